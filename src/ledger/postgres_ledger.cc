#include "vecmill/ledger/postgres_ledger.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <mutex>
#include <set>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/ledger/decision.h"
#include "vecmill/ledger/entry_row.h"
#include "vecmill/ledger/postgres_ledger_schema.h"
#include "vecmill/postgres/parameters.h"

namespace vecmill::ledger {
namespace {

using postgres::array;
using postgres::Connection;
using postgres::Param;
using postgres::Rows;
using postgres::text;

std::string number(std::int64_t value) { return std::to_string(value); }
std::string number(std::uint64_t value) { return std::to_string(value); }
std::string seconds(Date date) { return number(std::int64_t{date.time_since_epoch().count()}); }
std::string day(Date date) { return number(static_cast<std::int64_t>(day_number(date))); }

struct Place {
  Connection connection;
  std::string schema;
  bool has_ledger = false;
};

Result<Place> open_place(const std::string& place) {
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_database(place));
  VECMILL_ASSIGN(Connection connection, Connection::open(url));
  VECMILL_ASSIGN(const Rows level, connection.run("SHOW transaction_isolation"));
  if (level.at(0, 0) != "read committed") {
    return make_error(ErrorKind::kInvalidArgument,
                      "transactions do not see what others commit, and a budget would not hold",
                      url.shown, "set default_transaction_isolation to read committed");
  }
  VECMILL_ASSIGN(std::string schema, postgres::schema_of(connection, url));
  VECMILL_ASSIGN(const bool found, postgres::has_objects(connection, schema, ledger_objects()));
  return Place{std::move(connection), std::move(schema), found};
}

/// Nineteen parameters of vecmill_ledger_enter.
constexpr const char* kEnterParams =
    "$1, $2::bigint, $3, $4, $5, $6, $7, $8::text[]::bigint[], $9::text[]::boolean[],"
    " $10::text[]::bigint[], $11::text[]::bigint[], $12::text[]::bigint[], $13,"
    " $14::text[]::bigint[], $15, $16, $17::text[]::bigint[], $18::text[]::bigint[],"
    " $19::text[]::bigint[]";

void add_calls(std::vector<Param>& params, std::span<const Call> calls, const Decision& decision) {
  const auto texts = [&](auto member) {
    return array(calls, postgres::kText, [&](const Call& call) { return call.*member; });
  };
  for (const auto member : {&Call::provider, &Call::model, &Call::tenant, &Call::run})
    params.push_back(texts(member));
  const auto each = [&](auto of) { params.push_back(array(calls, postgres::kText, of)); };
  each([](const Call& call) { return tags_to_json(call.tags); });
  each([](const Call& call) { return number(std::uint64_t{call.dims}); });
  each([](const Call& call) { return std::string(call.urgent ? "true" : "false"); });
  each([](const Call& call) { return number(std::uint64_t{call.texts.size()}); });
  for (const auto* money : {&decision.prices(), &decision.amounts()}) {
    params.push_back(array(*money, postgres::kText, [](Money one) { return number(one); }));
  }
  params.push_back(
      array(calls, postgres::kBytea, [](const Call& call) { return texts_to_bytes(call.texts); }));
  std::vector<std::pair<std::size_t, std::string>> scopes;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    for (std::string& scope : scopes_of(calls[i])) scopes.emplace_back(i, std::move(scope));
  }
  params.push_back(array(scopes, postgres::kText,
                         [](const auto& one) { return number(std::uint64_t{one.first}); }));
  params.push_back(array(scopes, postgres::kText, [](const auto& one) { return one.second; }));
}

void add_questions(std::vector<Param>& params, const Decision& decision,
                   const std::vector<Budget>& budgets) {
  const auto each = [&](auto of) {
    params.push_back(array(decision.questions(), postgres::kText, of));
  };
  each([](const Question& asked) { return asked.scope; });
  each([](const Question& asked) { return day(asked.start); });
  each([&](const Question& asked) {
    return day(end_of(budgets[asked.budget].limit.span, asked.start));
  });
  each([&](const Question& asked) {
    constexpr Money kTop = std::numeric_limits<std::int64_t>::max();
    const auto most = decision.most_used(asked);
    return most ? number(std::min(*most, kTop)) : std::string("-1");
  });
}

/// "1,20,3". What is above all money is all money.
std::vector<Money> read_sums(std::string_view list) {
  std::vector<Money> sums;
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    Money& sum = sums.emplace_back();
    if (std::from_chars(one.data(), one.data() + one.size(), sum).ec != std::errc()) sum = ~Money{};
  }
  return sums;
}

class PostgresLedger final : public Ledger {
 public:
  PostgresLedger(LedgerOptions options, Connection connection, std::string schema)
      : options_(std::move(options)),
        schema_(std::move(schema)),
        connection_(std::move(connection)) {}

  Result<Answer> intent(std::span<const Call> calls, Date now) override {
    VECMILL_ASSIGN(const Decision decision, Decision::about(calls, options_, now));
    std::vector<Param> params{text(postgres::unique_name()), text(seconds(now))};
    add_calls(params, calls, decision);
    add_questions(params, decision, options_.budgets);
    const std::lock_guard lock(mutex_);
    failpoint("ledger.intent");
    VECMILL_ASSIGN(const Rows rows, call("enter", kEnterParams, params));
    failpoint("ledger.intended");
    Answer answer{.ask_again = now};
    if (!rows.is_null(0, 1)) {
      answer = decision.answer(read_sums(rows.at(0, 1)));
      if ((answer.verdict == Verdict::kGranted) == rows.is_null(0, 0)) return too_great();
      // The request is decided on; what there is to tell of it is worth no failure.
      if (!keep_new(answer.alerts)) answer.alerts.clear();
    }
    if (answer.verdict == Verdict::kGranted) answer.call = rows.number(0, 0);
    return answer;
  }

  Result<bool> settle(CallId id, const Settlement& settlement) override {
    return settle_all(id, std::span(&settlement, 1));
  }
  Status settle(CallId first, std::span<const Settlement> settlements) override {
    VECMILL_TRY(settle_all(first, settlements));
    return {};
  }

  Result<Money> used(const Budget& budget, const std::string& run, Date now) override {
    const Span span = budget.limit.span;
    const Date start = start_of(span, now);
    const std::vector<Param> params{text(scope_of(budget, run)), text(day(start)),
                                    text(day(end_of(span, start)))};
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(
        const Rows rows,
        connection_.run("SELECT coalesce(sum(spent::numeric + held), 0)::text FROM " + schema_ +
                            ".vecmill_ledger_totals WHERE scope = $1"
                            " AND day >= $2::bigint AND day < $3::bigint",
                        params));
    return read_sums(rows.at(0, 0)).front();
  }

  Status recover() override {
    const std::lock_guard lock(mutex_);
    VECMILL_TRY(connection_.run("UPDATE " + schema_ +
                                ".vecmill_ledger_calls SET state = 3 WHERE state = 0"
                                " AND entered < now() - interval '1 hour'"));
    return {};
  }

 private:
  /// Of sums that only one of the two could reckon with.
  [[nodiscard]] Error too_great() const {
    return make_error(ErrorKind::kInvalidData, "the sums of the ledger are too great",
                      connection_.shown(), "begin another one: another schema");
  }

  Result<Rows> call(const std::string& function, const std::string& arguments,
                    std::span<const Param> params) {
    return connection_.run(
        "SELECT * FROM " + schema_ + ".vecmill_ledger_" + function + "(" + arguments + ")", params);
  }

  /// False: nothing changed.
  Result<bool> settle_all(CallId first, std::span<const Settlement> settlements) {
    for (std::size_t i = 0; i < settlements.size(); ++i)
      VECMILL_TRY(check(first + i, settlements[i]));
    const std::vector<Param> params{
        text(number(first)),
        array(settlements, postgres::kText,
              [](const Settlement& one) { return std::to_string(static_cast<int>(one.bill)); }),
        array(settlements, postgres::kText,
              [](const Settlement& one) { return number(one.counted()); })};
    const std::lock_guard lock(mutex_);
    failpoint("ledger.settle");
    VECMILL_ASSIGN(
        const Rows rows,
        call("settle", "$1::bigint, $2::text[]::smallint[], $3::text[]::bigint[]", params));
    failpoint("ledger.settled");
    const std::string_view letters = rows.at(0, 0);
    const std::size_t wrong = letters.find_first_of("mo");
    if (wrong == std::string_view::npos) return letters.find('t') != std::string_view::npos;
    if (letters[wrong] == 'o') return settled_otherwise(first + wrong);
    return no_such_call(first + wrong, connection_.shown());
  }

  /// Those that were told before are left out.
  Status keep_new(std::vector<Alert>& alerts) {
    for (Alert& alert : std::exchange(alerts, {})) {
      const std::vector<Param> params{text(name_of(alert)), text(seconds(alert.start)),
                                      text(std::to_string(static_cast<int>(alert.level)))};
      if (!known_.emplace(params[0].bytes + params[1].bytes, alert.level).second) continue;
      VECMILL_ASSIGN(const Rows rows,
                     connection_.run("INSERT INTO " + schema_ +
                                         ".vecmill_ledger_alerts VALUES ($1, $2::bigint, $3::int)"
                                         " ON CONFLICT DO NOTHING RETURNING budget",
                                     params));
      if (!rows.empty()) alerts.push_back(std::move(alert));
    }
    return {};
  }

  const LedgerOptions options_;
  const std::string schema_;
  std::mutex mutex_;
  Connection connection_;
  std::set<std::pair<std::string, Alert::Level>> known_;  ///< alerts that were told, by whomever
};

class PostgresCalls final : public CallLog {
 public:
  PostgresCalls(Connection connection, std::string schema)
      : schema_(std::move(schema)), connection_(std::move(connection)) {}

  Status for_each(const CallFilter& filter, const Visit& visit) override {
    constexpr std::size_t kAtOnce = 5'000;
    const std::string sql =
        "SELECT id::text, made::text, state::text, provider, model, tenant, run, tags, dims::text,"
        " urgent::int::text, texts::text, price::text, reserved::text, tokens::text, cost::text" +
        std::string(filter.with_texts ? ", uses" : "") + " FROM " + schema_ +
        ".vecmill_ledger_calls c WHERE (c.made, c.id) > ($1::bigint, $2::bigint)"
        " AND c.made < $3::bigint ORDER BY c.made, c.id LIMIT " +
        std::to_string(kAtOnce);
    // No id is 0.
    std::vector<Param> params{text(seconds(filter.from)), text("0"), text(seconds(filter.to))};
    for (std::size_t found = kAtOnce; found == kAtOnce;) {
      VECMILL_ASSIGN(const Rows rows, connection_.run(sql, params));
      found = rows.size();
      for (std::size_t row = 0; row < found; ++row) {
        VECMILL_ASSIGN(Entry entry, read(rows, row));
        if (filter.with_texts) entry.call.texts = texts_from_bytes(rows.at(row, 15));
        visit(entry);
      }
      if (found > 0) {
        params[0] = text(std::string(rows.at(found - 1, 1)));
        params[1] = text(std::string(rows.at(found - 1, 0)));
      }
    }
    return {};
  }

 private:
  static Result<Entry> read(const Rows& rows, std::size_t row) {
    const auto at = [&](int column) { return rows.at(row, static_cast<std::size_t>(column)); };
    return read_entry_row(
        [&](int column) { return rows.number(row, static_cast<std::size_t>(column)); }, at);
  }

  const std::string schema_;
  Connection connection_;
};

}  // namespace

Result<std::unique_ptr<Ledger>> open_postgres_ledger(LedgerOptions options) {
  VECMILL_ASSIGN(Place place, open_place(options.place));
  if (!options.create && !place.has_ledger) return nullptr;
  VECMILL_TRY(postgres::prepare_objects(place.connection, place.schema, ledger_objects(), true));
  auto ledger = std::make_unique<PostgresLedger>(std::move(options), std::move(place.connection),
                                                 std::move(place.schema));
  VECMILL_TRY(ledger->recover());
  return ledger;
}

Result<std::unique_ptr<CallLog>> open_postgres_calls(const std::string& place) {
  VECMILL_ASSIGN(Place opened, open_place(place));
  VECMILL_TRY(postgres::prepare_objects(opened.connection, opened.schema, ledger_objects(), false));
  return std::make_unique<PostgresCalls>(std::move(opened.connection), std::move(opened.schema));
}

}  // namespace vecmill::ledger
