#pragma once

#include <chrono>
#include <cstdint>

namespace vecmill {

/// Billionths of a dollar: a token of the cheapest models costs 20.
using Money = std::uint64_t;

/// Stops at the top: a reply can claim any cost.
[[nodiscard]] constexpr Money add_money(Money a, Money b) {
  return a + (b < ~Money{0} - a ? b : ~Money{0} - a);
}

/// What a budget is for; days and months are those of UTC.
enum class Span : std::uint8_t { kRun, kDay, kMonth };

using Date = std::chrono::sys_seconds;

/// The window that a date is in; a run's is all of time.
[[nodiscard]] Date start_of(Span span, Date now);
[[nodiscard]] Date end_of(Span span, Date start);

struct BudgetLimit {
  Span span = Span::kRun;
  Money limit = 0;
};

struct BudgetOptions {
  int alert_percent = 80;
  /// What lies above this of a day or a month is let out evenly over it.
  int throttle_percent = 100;
};

/// When one limit lets money go. Holds no state: whoever asks says what is used up, from memory
/// (policy/budget.h) or from the record of spending (ledger/ledger.h).
class BudgetRule {
 public:
  BudgetRule(const BudgetLimit& limit, const BudgetOptions& options);

  [[nodiscard]] const BudgetLimit& limit() const { return limit_; }

  /// From when there is room for `amount` in the window that begins at `start`. A moment that has
  /// passed: now; the end of the window: not in this one; Date::max(): never by waiting.
  [[nodiscard]] Date ready(Date start, Money used, Money amount) const;

  /// The most that may be used at `now`, with what is asked for: of any amount above 0 `ready` has
  /// passed as long as it and `used` together are not above this.
  [[nodiscard]] Money most(Date start, Date now) const;

  /// So much is used that somebody should be told.
  [[nodiscard]] bool alerts(Money used) const { return used >= alert_at_; }

 private:
  BudgetLimit limit_;
  Money alert_at_, throttle_at_;
};

}  // namespace vecmill
