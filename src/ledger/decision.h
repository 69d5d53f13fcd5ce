#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vecmill/ledger/ledger.h"

namespace vecmill::ledger {

/// What one budget is asked about one call of a request.
struct Question {
  std::size_t call = 0, budget = 0;
  std::string scope;  ///< whose spending counts
  Date start = {};    ///< of the budget's window
  Money amount = 0;   ///< what the call can cost
  Money before = 0;   ///< what calls ahead of it in the request can, of the same scope
};

/// May a request be sent? What is used is somebody else's to know, and no other call may come
/// between the question and the entry of its calls.
class Decision {
 public:
  ///   errors  kInvalidArgument: no price is known
  static Result<Decision> about(std::span<const Call> calls, const LedgerOptions& options,
                                Date now);

  /// Of each call: the price of a million tokens, and what it can cost.
  [[nodiscard]] const std::vector<Money>& prices() const { return prices_; }
  [[nodiscard]] const std::vector<Money>& amounts() const { return amounts_; }

  /// In the order of the calls. Of what is free nothing is asked.
  [[nodiscard]] const std::vector<Question>& questions() const { return questions_; }

  /// The most that may be used, without the request, for a yes; none: it is refused in any case.
  [[nodiscard]] std::optional<Money> most_used(const Question& question) const;

  /// `used`: of each question what is spent, reserved and unknown in its window. The alerts are
  /// what there is to tell, if it was not told before.
  [[nodiscard]] Answer answer(std::span<const Money> used) const;

 private:
  Decision(const LedgerOptions& options, Date now) : options_(&options), now_(now) {}
  void ask(std::span<const Call> calls, std::size_t at);
  [[nodiscard]] BudgetRule rule_of(const Question& question) const;

  const LedgerOptions* options_;
  Date now_;
  std::vector<Money> prices_, amounts_;
  std::vector<Question> questions_;
  bool in_parts_ = false;  ///< the request has more than one text
};

/// What an alert is remembered by: the same of a budget in a window, once.
[[nodiscard]] std::string name_of(const Alert& alert);

/// How a settlement goes with what is known of the call: false: it changes nothing.
///   errors  kMismatch, kInvalidData: as Ledger::settle
Result<bool> changes(const Entry& entry, const Settlement& settlement);
///   errors  kInvalidData: absurd tokens
Status check(CallId id, const Settlement& settlement);
[[nodiscard]] Error settled_otherwise(CallId id);
[[nodiscard]] Error no_such_call(CallId id, const std::string& place);

}  // namespace vecmill::ledger
