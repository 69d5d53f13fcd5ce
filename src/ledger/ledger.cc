#include "vecmill/ledger/ledger.h"

#include <string>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/transaction.h"

namespace vecmill::ledger {
namespace {

using std::chrono::days;

std::uint64_t seconds(Date date) {
  return static_cast<std::uint64_t>(date.time_since_epoch().count());
}

std::uint64_t day_of(Date date) {
  return static_cast<std::uint64_t>(std::chrono::floor<days>(date).time_since_epoch().count());
}

bool is_open(Bill bill) { return bill == Bill::kOpen || bill == Bill::kUnknown; }

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(LedgerOptions options) {
  VECMILL_TRY(check(options.budgets));
  std::unique_ptr<Ledger> ledger(new Ledger(std::move(options)));
  VECMILL_TRY(ledger->prepare());
  VECMILL_TRY(ledger->recover());
  return ledger;
}

Status Ledger::prepare() {
  VECMILL_ASSIGN(db_, open_ledger_file(options_.path));
  VECMILL_ASSIGN(alive_, Liveness::begin(options_.path));
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

Status Ledger::recover() {
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

Result<Answer> Ledger::intent(const Call& call, Date now) {
  return intent(std::span(&call, 1), now);
}

Result<Answer> Ledger::intent(std::span<const Call> calls, Date now) {
  for (const Call& call : calls) VECMILL_TRY(check(call));
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  Answer answer{.ask_again = now};
  VECMILL_TRY(db_.run("SAVEPOINT calls"));
  VECMILL_TRY(enter_all(calls, now, answer));
  if (answer.verdict != Verdict::kGranted) {
    VECMILL_TRY(db_.run("ROLLBACK TO calls"));
    answer.call = 0;
    std::vector<Alert> told = std::exchange(answer.alerts, {});
    std::size_t texts = 0;
    for (const Call& call : calls) texts += call.texts.size();
    for (const Alert& one : told) {  // of what is smaller some may yet be let through
      if (one.level == Alert::Level::kStopped && texts <= 1) VECMILL_TRY(alert(one, answer));
    }
  }
  failpoint("ledger.intent");
  VECMILL_TRY(transaction.commit());
  failpoint("ledger.intended");
  return answer;
}

/// Up to the first that is refused.
Status Ledger::enter_all(std::span<const Call> calls, Date now, Answer& answer) {
  for (const Call& call : calls) {
    VECMILL_ASSIGN(const Price price, options_.prices.find(call.provider, call.model, now));
    const Money amount = cost_of(call.most_tokens, price.per_million);
    if (amount > 0) VECMILL_TRY(decide(call, amount, now, answer));
    if (answer.verdict != Verdict::kGranted) return {};
    VECMILL_ASSIGN(const CallId id, enter(call, price, amount, now));
    if (answer.call == 0) answer.call = id;
  }
  return {};
}

Status Ledger::decide(const Call& call, Money amount, Date now, Answer& answer) {
  std::vector<Alert> near;
  for (std::size_t i = 0; i < options_.budgets.size(); ++i) {
    const Budget& budget = options_.budgets[i];
    const auto scope = scope_for(budget, call);
    if (!scope) continue;
    const Span span = budget.limit.span;
    const Date start = start_of(span, now);
    VECMILL_ASSIGN(const Money used, sum(*scope, span, start));
    const BudgetRule rule(budget.limit, budget.pace.value_or(options_.pace));
    const Date at = rule.ready(start, used, amount);
    Alert told{Alert::Level::kStopped, budget, *scope, start, used};
    if (at >= end_of(span, start)) VECMILL_TRY(alert(told, answer));
    if (at > answer.ask_again) {
      answer.ask_again = at;
      answer.budget = i;
      answer.verdict = at < end_of(span, start) ? Verdict::kThrottled : Verdict::kStopped;
    }
    told.level = Alert::Level::kNear;
    told.used = add_money(used, amount);
    if (rule.alerts(told.used)) near.push_back(told);
  }
  if (answer.verdict != Verdict::kGranted) return {};
  for (const Alert& told : near) VECMILL_TRY(alert(told, answer));
  return {};
}

Status Ledger::alert(const Alert& alert, Answer& answer) {
  const auto& [span_of, limit] = alert.budget.limit;
  const auto span = static_cast<int>(span_of);
  alert_.bind(1, alert.scope + "/" + std::to_string(span) + "/" + std::to_string(limit));
  alert_.bind(2, seconds(alert.start)).bind(3, static_cast<std::uint64_t>(alert.level));
  VECMILL_TRY(alert_.execute());
  if (db_.changes() > 0) answer.alerts.push_back(alert);
  return {};
}

Result<CallId> Ledger::enter(const Call& call, const Price& price, Money amount, Date now) {
  int at = 0;
  insert_.bind(++at, seconds(now));
  for (const std::string* text : {&call.provider, &call.model, &call.tenant, &call.run})
    insert_.bind(++at, *text);
  insert_.bind(++at, tags_to_json(call.tags));
  for (const std::uint64_t number :
       {std::uint64_t{call.dims}, std::uint64_t{call.urgent}, std::uint64_t{call.texts.size()},
        price.per_million, amount, alive_.session()})
    insert_.bind(++at, number);
  insert_.bind_blob(++at, texts_to_bytes(call.texts));
  VECMILL_TRY(insert_.execute());
  const auto held = static_cast<std::int64_t>(amount);
  VECMILL_TRY(add_to_totals(call, now, 0, held));
  return db_.last_id();
}

Status Ledger::add_to_totals(const Call& call, Date made, std::int64_t spent, std::int64_t held) {
  for (const std::string& scope : scopes_of(call)) {
    add_.bind(1, scope).bind(2, day_of(made));
    add_.bind(3, static_cast<std::uint64_t>(spent)).bind(4, static_cast<std::uint64_t>(held));
    VECMILL_TRY(add_.execute());
  }
  return {};
}

/// Of a run, which has no window: of all days.
Result<Money> Ledger::sum(const std::string& scope, Span span, Date start) {
  sum_.bind(1, scope).bind(2, day_of(start)).bind(3, day_of(end_of(span, start)));
  VECMILL_ASSIGN(const bool row, sum_.step());
  const Money spent = row ? static_cast<Money>(sum_.number(0)) : 0;
  const Money held = row ? static_cast<Money>(sum_.number(1)) : 0;
  sum_.reset();
  return add_money(spent, held);
}

Result<Entry> Ledger::find(CallId id) {
  VECMILL_ASSIGN(const bool row, find_.bind(1, id).step());
  Result<Entry> entry =
      row ? read_entry(find_)
          : make_error(ErrorKind::kNotFound, "there is no call " + std::to_string(id),
                       options_.path.string(), "only an intent makes one");
  find_.reset();
  return entry;
}

Result<bool> Ledger::settle(CallId id, const Settlement& settlement) {
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  VECMILL_ASSIGN(const bool changed, settle_one(id, settlement));
  if (!changed) return false;
  failpoint("ledger.settle");
  VECMILL_TRY(transaction.commit());
  failpoint("ledger.settled");
  return true;
}

Status Ledger::settle(CallId first, std::span<const Settlement> settlements) {
  const std::lock_guard lock(mutex_);
  VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
  for (const Settlement& settlement : settlements) VECMILL_TRY(settle_one(first++, settlement));
  failpoint("ledger.settle");
  VECMILL_TRY(transaction.commit());
  failpoint("ledger.settled");
  return {};
}

Result<bool> Ledger::settle_one(CallId id, const Settlement& settlement) {
  const auto [bill, tokens] = settlement;
  const std::string name = "call " + std::to_string(id);
  if (tokens > kMaxTokens) {
    return make_error(ErrorKind::kInvalidData, "more tokens billed than a call can have", name,
                      "settle it as unknown");
  }
  VECMILL_ASSIGN(const Entry entry, find(id));
  if (bill == Bill::kUnknown && entry.bill != Bill::kOpen) return false;
  const std::uint64_t counted = is_billed(bill) ? tokens : 0;
  if (!is_open(entry.bill)) {
    if (bill == entry.bill && counted == entry.tokens) return false;
    return make_error(ErrorKind::kMismatch, "was settled otherwise before", name,
                      "the first settlement stands");
  }
  const Money cost = cost_of(counted, entry.price);
  settle_.bind(1, static_cast<std::uint64_t>(bill)).bind(2, counted);
  VECMILL_TRY(settle_.bind(3, cost).bind(4, id).execute());
  if (bill != Bill::kUnknown) {
    const auto held = static_cast<std::int64_t>(entry.reserved);
    VECMILL_TRY(add_to_totals(entry.call, entry.made, static_cast<std::int64_t>(cost), -held));
  }
  return true;
}

Result<Money> Ledger::used(const Budget& budget, const std::string& run, Date now) {
  Call call{.provider = {}, .model = {}, .tenant = budget.tenant, .run = run};
  if (budget.tag) call.tags.insert(*budget.tag);
  const auto scope = scope_for(budget, call);
  if (!scope) return Money{0};
  const std::lock_guard lock(mutex_);
  return sum(*scope, budget.limit.span, start_of(budget.limit.span, now));
}

Error refusal(const Answer& answer, const std::vector<Budget>& budgets, Date now) {
  const Budget& budget = budgets[answer.budget];
  const bool is_throttled = answer.verdict == Verdict::kThrottled;
  if (budget.limit.limit == 0) {
    return make_error(ErrorKind::kLimited, "nothing may be spent", describe(budget),
                      "raise the budget, or use a local model, which is free");
  }
  const char* hint = is_throttled ? "it goes on by itself; raise the budget to go faster"
                                  : "raise the budget, or use a local model, which is free";
  Error error =
      make_error(ErrorKind::kLimited,
                 is_throttled ? "lets no more through for now" : "has no room for the call",
                 describe(budget), hint);
  if (answer.ask_again != Date::max()) error.retry_after = answer.ask_again - now;
  return error;
}

}  // namespace vecmill::ledger
