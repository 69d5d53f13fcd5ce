#include "vecmill/ledger/sqlite_ledger.h"

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/transaction.h"
#include "vecmill/ledger/decision.h"
#include "vecmill/ledger/ledger_file.h"

namespace vecmill::ledger {
namespace {

std::uint64_t seconds(Date date) {
  return static_cast<std::uint64_t>(date.time_since_epoch().count());
}

class SqliteLedger final : public Ledger {
 public:
  explicit SqliteLedger(LedgerOptions options) : options_(std::move(options)) {}

  Status prepare();
  Result<Answer> intent(std::span<const Call> calls, Date now) override;
  Result<bool> settle(CallId id, const Settlement& settlement) override;
  Status settle(CallId first, std::span<const Settlement> settlements) override;
  Result<Money> used(const Budget& budget, const std::string& run, Date now) override;
  Status recover() override;

 private:
  Result<bool> settle_one(CallId id, const Settlement& settlement);
  Result<Answer> decide(const Decision& decision);
  Status keep_new(std::vector<Alert>& alerts);
  Result<CallId> enter(const Call& call, Money price, Money amount, Date now);
  Status add_to_totals(const Call& call, Date made, std::int64_t spent, std::int64_t held);
  Result<Money> sum(const std::string& scope, Span span, Date start);
  Result<Entry> find(CallId id);

  const LedgerOptions options_;
  std::mutex mutex_;
  Liveness alive_;
  Database db_;
  Statement insert_, find_, settle_, add_, sum_, alert_;
};

Status SqliteLedger::prepare() {
  VECMILL_ASSIGN(db_, open_ledger_file(options_.place));
  VECMILL_ASSIGN(alive_, Liveness::begin(options_.place));
  const std::string columns(kCallColumns);
  const std::string others = columns.substr(columns.find(',') + 1);
  VECMILL_ASSIGN(insert_, Statement::prepare(db_, "INSERT INTO calls(" + others +
                                                      ",session,uses) VALUES"
                                                      "(?,0,?,?,?,?,?,?,?,?,?,?,0,0,?,?)"));
  VECMILL_ASSIGN(find_, Statement::prepare(db_, "SELECT " + columns + " FROM calls WHERE id=?"));
  VECMILL_ASSIGN(settle_,
                 Statement::prepare(db_, "UPDATE calls SET state=?,tokens=?,cost=? WHERE id=?"));
  VECMILL_ASSIGN(add_, Statement::prepare(db_,
                                          "INSERT INTO totals VALUES(?1,?2,max(?3,0),max(?4,0)) "
                                          "ON CONFLICT DO UPDATE SET spent=spent+?3,held=held+?4"));
  VECMILL_ASSIGN(sum_, Statement::prepare(db_,
                                          "SELECT sum(spent),sum(held) FROM totals "
                                          "WHERE scope=? AND day>=? AND day<?"));
  VECMILL_ASSIGN(alert_, Statement::prepare(db_, "INSERT OR IGNORE INTO alerts VALUES(?,?,?)"));
  return {};
}

Status SqliteLedger::recover() {
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  std::vector<std::uint64_t> dead;
  {
    VECMILL_ASSIGN(Statement sessions, Statement::prepare(db_,
                                                          "SELECT DISTINCT session FROM calls "
                                                          "WHERE state=0"));
    for (;;) {
      VECMILL_ASSIGN(const bool more, sessions.step());
      if (!more) break;
      const auto session = static_cast<std::uint64_t>(sessions.number(0));
      if (!alive_.is_alive(session)) dead.push_back(session);
    }
  }
  VECMILL_ASSIGN(Statement lose, Statement::prepare(db_,
                                                    "UPDATE calls SET state=3 "
                                                    "WHERE state=0 AND session=?"));
  for (const std::uint64_t session : dead) VECMILL_TRY(lose.bind(1, session).execute());
  return transaction.commit();
}

Result<Answer> SqliteLedger::intent(std::span<const Call> calls, Date now) {
  VECMILL_ASSIGN(const Decision decision, Decision::about(calls, options_, now));
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  VECMILL_ASSIGN(Answer answer, decide(decision));
  if (answer.verdict == Verdict::kGranted) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      VECMILL_ASSIGN(const CallId id,
                     enter(calls[i], decision.prices()[i], decision.amounts()[i], now));
      if (i == 0) answer.call = id;
    }
  }
  VECMILL_TRY(keep_new(answer.alerts));
  failpoint("ledger.intent");
  VECMILL_TRY(transaction.commit());
  failpoint("ledger.intended");
  return answer;
}

Result<Answer> SqliteLedger::decide(const Decision& decision) {
  std::vector<Money> used;
  for (const Question& asked : decision.questions()) {
    const Span span = options_.budgets[asked.budget].limit.span;
    VECMILL_ASSIGN(used.emplace_back(), sum(asked.scope, span, asked.start));
  }
  return decision.answer(used);
}

/// Those that were told before are left out.
Status SqliteLedger::keep_new(std::vector<Alert>& alerts) {
  for (Alert& alert : std::exchange(alerts, {})) {
    alert_.bind(1, name_of(alert)).bind(2, seconds(alert.start));
    VECMILL_TRY(alert_.bind(3, static_cast<std::uint64_t>(alert.level)).execute());
    if (db_.changes() > 0) alerts.push_back(std::move(alert));
  }
  return {};
}

Result<CallId> SqliteLedger::enter(const Call& call, Money price, Money amount, Date now) {
  int at = 0;
  insert_.bind(++at, seconds(now));
  for (const std::string* text : {&call.provider, &call.model, &call.tenant, &call.run})
    insert_.bind(++at, *text);
  insert_.bind(++at, tags_to_json(call.tags));
  for (const std::uint64_t number :
       {std::uint64_t{call.dims}, std::uint64_t{call.urgent}, std::uint64_t{call.texts.size()},
        price, amount, alive_.session()})
    insert_.bind(++at, number);
  insert_.bind_blob(++at, texts_to_bytes(call.texts));
  VECMILL_TRY(insert_.execute());
  const auto held = static_cast<std::int64_t>(amount);
  VECMILL_TRY(add_to_totals(call, now, 0, held));
  return db_.last_id();
}

Status SqliteLedger::add_to_totals(const Call& call, Date made, std::int64_t spent,
                                   std::int64_t held) {
  for (const std::string& scope : scopes_of(call)) {
    add_.bind(1, scope).bind(2, day_number(made));
    add_.bind(3, static_cast<std::uint64_t>(spent)).bind(4, static_cast<std::uint64_t>(held));
    VECMILL_TRY(add_.execute());
  }
  return {};
}

/// Of a run, which has no window: of all days.
Result<Money> SqliteLedger::sum(const std::string& scope, Span span, Date start) {
  sum_.bind(1, scope).bind(2, day_number(start)).bind(3, day_number(end_of(span, start)));
  VECMILL_ASSIGN(const bool row, sum_.step());
  const Money spent = row ? static_cast<Money>(sum_.number(0)) : 0;
  const Money held = row ? static_cast<Money>(sum_.number(1)) : 0;
  sum_.reset();
  return add_money(spent, held);
}

Result<Entry> SqliteLedger::find(CallId id) {
  VECMILL_ASSIGN(const bool row, find_.bind(1, id).step());
  Result<Entry> entry = row ? read_entry(find_) : no_such_call(id, options_.place);
  find_.reset();
  return entry;
}

Result<bool> SqliteLedger::settle(CallId id, const Settlement& settlement) {
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  VECMILL_ASSIGN(const bool changed, settle_one(id, settlement));
  if (!changed) return false;
  failpoint("ledger.settle");
  VECMILL_TRY(transaction.commit());
  failpoint("ledger.settled");
  return true;
}

Status SqliteLedger::settle(CallId first, std::span<const Settlement> settlements) {
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  for (const Settlement& settlement : settlements) VECMILL_TRY(settle_one(first++, settlement));
  failpoint("ledger.settle");
  VECMILL_TRY(transaction.commit());
  failpoint("ledger.settled");
  return {};
}

Result<bool> SqliteLedger::settle_one(CallId id, const Settlement& settlement) {
  VECMILL_TRY(check(id, settlement));
  VECMILL_ASSIGN(const Entry entry, find(id));
  VECMILL_ASSIGN(const bool is_new, changes(entry, settlement));
  if (!is_new) return false;
  const std::uint64_t counted = settlement.counted();
  const Money cost = cost_of(counted, entry.price);
  settle_.bind(1, static_cast<std::uint64_t>(settlement.bill)).bind(2, counted);
  VECMILL_TRY(settle_.bind(3, cost).bind(4, id).execute());
  if (settlement.bill != Bill::kUnknown) {
    const auto held = static_cast<std::int64_t>(entry.reserved);
    VECMILL_TRY(add_to_totals(entry.call, entry.made, static_cast<std::int64_t>(cost), -held));
  }
  return true;
}

Result<Money> SqliteLedger::used(const Budget& budget, const std::string& run, Date now) {
  const auto scope = scope_of(budget, run);
  const std::lock_guard lock(mutex_);
  return sum(scope, budget.limit.span, start_of(budget.limit.span, now));
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(LedgerOptions options) {
  std::error_code failed;  // what cannot be looked at fails when it is opened
  const auto kind = std::filesystem::symlink_status(options.place, failed).type();
  if (!options.create && kind == std::filesystem::file_type::not_found) return nullptr;
  auto ledger = std::make_unique<SqliteLedger>(std::move(options));
  VECMILL_TRY(ledger->prepare());
  VECMILL_TRY(ledger->recover());
  return ledger;
}

}  // namespace vecmill::ledger
