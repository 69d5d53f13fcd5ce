#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "vecmill/ledger/budget.h"
#include "vecmill/ledger/ledger_file.h"
#include "vecmill/ledger/price_book.h"

namespace vecmill::ledger {

struct LedgerOptions {
  std::filesystem::path path;
  PriceBook prices = PriceBook::built_in();
  std::vector<Budget> budgets = {};
  BudgetOptions pace = {};  ///< of all budgets that have none of their own
};

enum class Verdict : std::uint8_t { kGranted, kThrottled, kStopped };

/// Something that a person should hear of; each once in a window of its budget. That a call was
/// stopped is told of one text, not of several, which can be sent by themselves.
struct Alert {
  enum class Level : std::uint8_t { kNear, kStopped };
  Level level = Level::kNear;
  Budget budget;
  std::string scope;  ///< whose spending: "all", "tenant:acme"
  Date start = {};    ///< of the day or month; Date::min() for a run
  Money used = 0;     ///< spent, reserved and unknown, with the call that was let through
};

struct Answer {
  Verdict verdict = Verdict::kGranted;
  CallId call = 0;         ///< when granted
  Date ask_again = {};     ///< when not; Date::max(): never by waiting
  std::size_t budget = 0;  ///< the one that refused for longest
  std::vector<Alert> alerts = {};
};

struct Settlement {
  Bill bill = Bill::kUnknown;
  std::uint64_t tokens = 0;  ///< as billed, or estimated
};

/// The durable record of what was asked of providers that bill, and the only one that says
/// whether a budget has room.
///
/// Each call is entered before its bytes leave and settled after. Its transaction is the only
/// decision: what is spent, open or unknown in the file counts, whoever wrote it, so that a
/// budget holds in whatever order the calls of all threads and processes of a host begin, end or
/// die, as long as none is billed more than `most_tokens`. Nothing is kept in memory that could
/// differ from it. A call counts for the day and month in which it was entered; a clock that is
/// set back comes to a window that remembers what was spent in it.
///
/// Thread-safe. Each intent and each settlement is on the disk when it returns.
class Ledger {
 public:
  ///   errors  those of open_ledger_file and of check(budgets)
  static Result<std::unique_ptr<Ledger>> open(LedgerOptions options);

  /// Enters a call that is about to be sent. What is free is granted whatever the budgets say.
  ///   errors  kInvalidArgument: see check(call); no price is known
  Result<Answer> intent(const Call& call, Date now);

  /// One request whose texts are on several accounts: all of its calls are entered, or none. Their
  /// ids follow each other, from `Answer::call` on.
  ///   errors  as above
  Result<Answer> intent(std::span<const Call> calls, Date now);

  /// How a call ended. The same again changes nothing and answers false; so does kUnknown for a
  /// call that is settled. kUnknown can be settled later, when somebody knows.
  ///   errors  kNotFound, kMismatch: it was settled otherwise, kInvalidData: absurd tokens
  Result<bool> settle(CallId id, const Settlement& settlement);
  /// The same for calls of one request, from `first` on: all of them or none.
  Status settle(CallId first, std::span<const Settlement> settlements);

  /// What counts in the present window of a budget (not one of "*").
  Result<Money> used(const Budget& budget, const std::string& run, Date now);

  /// Calls that a process left open when it died become unknown. Done by `open`, too.
  Status recover();

 private:
  explicit Ledger(LedgerOptions options) : options_(std::move(options)) {}
  Status prepare();
  Result<bool> settle_one(CallId id, const Settlement& settlement);
  Status enter_all(std::span<const Call> calls, Date now, Answer& answer);
  Status decide(const Call& call, Money amount, Date now, Answer& answer);
  Status alert(const Alert& alert, Answer& answer);
  Result<CallId> enter(const Call& call, const Price& price, Money amount, Date now);
  Status add_to_totals(const Call& call, Date made, std::int64_t spent, std::int64_t held);
  Result<Money> sum(const std::string& scope, Span span, Date start);
  Result<Entry> find(CallId id);

  LedgerOptions options_;
  std::mutex mutex_;
  Liveness alive_;
  Database db_;
  Statement insert_, find_, settle_, add_, sum_, alert_;
};

/// The refusal as an error: kLimited, with the budget and when to ask again.
[[nodiscard]] Error refusal(const Answer& answer, const std::vector<Budget>& budgets, Date now);

}  // namespace vecmill::ledger
