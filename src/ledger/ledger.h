#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vecmill/ledger/budget.h"
#include "vecmill/ledger/price_book.h"

namespace vecmill::ledger {

struct LedgerOptions {
  std::string place;  ///< a file, or postgres://…: a schema of a database
  PriceBook prices = PriceBook::built_in();
  std::vector<Budget> budgets = {};
  BudgetOptions pace = {};  ///< of all budgets that have none of their own
  bool create = true;       ///< false: where there is none, there is nothing to open
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

  /// What the ledger keeps of them.
  [[nodiscard]] std::uint64_t counted() const { return is_billed(bill) ? tokens : 0; }
};

/// The durable record of what was asked of providers that bill, and the only one that says
/// whether a budget has room.
///
/// Each call is entered before its bytes leave and settled after. Its transaction is the only
/// decision: what is spent, open or unknown in the record counts, whoever wrote it, so that a
/// budget holds in whatever order the calls of all threads and processes begin, end or die, as long
/// as none is billed more than `most_tokens`. Nothing is kept in memory that could differ from it.
/// A call counts for the day and month in which it was entered; a clock that is set back comes to a
/// window that remembers what was spent in it.
///
/// In a file it is for the processes of one host, in PostgreSQL for those of several.
///
/// Thread-safe. Each intent and each settlement is durable when it returns.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Enters a call that is about to be sent. What is free is granted whatever the budgets say.
  ///   errors  kInvalidArgument: see check(call); no price is known; kIo, kUnavailable
  Result<Answer> intent(const Call& call, Date now) { return intent(std::span(&call, 1), now); }

  /// One request whose texts are on several accounts: all of its calls are entered, or none. Their
  /// ids follow each other, from `Answer::call` on.
  ///   errors  as above
  virtual Result<Answer> intent(std::span<const Call> calls, Date now) = 0;

  /// How a call ended. The same again changes nothing and answers false; so does kUnknown for a
  /// call that is settled. kUnknown can be settled later, when somebody knows.
  ///   errors  kNotFound, kMismatch: it was settled otherwise, kInvalidData: absurd tokens
  virtual Result<bool> settle(CallId id, const Settlement& settlement) = 0;
  /// The same for calls of one request, from `first` on: all of them or none.
  virtual Status settle(CallId first, std::span<const Settlement> settlements) = 0;

  /// What counts in the present window of a budget (not one of "*").
  virtual Result<Money> used(const Budget& budget, const std::string& run, Date now) = 0;

  /// Calls that a process left open when it died become unknown: at once in a file, after an hour,
  /// which is longer than any call takes, in PostgreSQL. Done by `open_ledger`, too.
  virtual Status recover() = 0;
};

/// Null: there is none, and it is not to be made.
///   errors  those of check(budgets), of open_ledger_file or of PostgreSQL
Result<std::unique_ptr<Ledger>> open_ledger(LedgerOptions options);

/// The refusal as an error: kLimited, with the budget and when to ask again.
[[nodiscard]] Error refusal(const Answer& answer, const std::vector<Budget>& budgets, Date now);

}  // namespace vecmill::ledger
