#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "vecmill/base/budget_rule.h"
#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// Money is reserved before a call and settled after it, in every limit or in none. What is spent,
/// reserved or unknown is never above a limit, in whatever order calls begin and end, as long as
/// none costs more than was reserved for it. What costs nothing is never held up.
class Budget {
 public:
  using ReservationId = std::uint64_t;  ///< ever greater

  enum class Verdict : std::uint8_t { kGranted, kThrottled, kStopped };

  struct Answer {
    Verdict verdict = Verdict::kGranted;
    ReservationId reservation = 0;
    Date ask_again = {};                    ///< when refused; Date::max(): never by waiting
    std::size_t limit = 0;                  ///< the one that refused for longest
    std::optional<std::size_t> alert = {};  ///< a limit nearly used up: once in each of its windows
  };

  struct Usage {
    Money spent = 0, reserved = 0, unknown = 0;

    [[nodiscard]] Money sum() const;
  };

  Budget(const std::vector<BudgetLimit>& limits, const BudgetOptions& options);

  /// What a limit's present window has seen already, from the record of spending.
  void restore(Date now, std::size_t limit, Money spent);

  /// A refusal reserves nothing. For 0 the answer is reservation 0, which needs no end.
  [[nodiscard]] Answer reserve(Date now, Money amount);

  /// What the call has cost, 0 if it was not billed; charged to the windows of the reservation,
  /// whenever the call ends. False: settled already, or never given.
  bool settle(ReservationId id, Money cost);

  /// Nobody knows whether the call was billed. It counts in full, until it is settled after all.
  bool set_unknown(ReservationId id);

  [[nodiscard]] Usage usage(std::size_t limit) const { return windows_[limit].usage; }

 private:
  struct Window {
    BudgetRule rule;
    Date start = Date::min(), end = Date::min();
    Usage usage = {};
    bool alerted = false;
  };
  struct Reservation {
    Money amount = 0;
    bool unknown = false;
    std::vector<Date> starts = {};  // [windows]
  };

  void roll(Date now);

  std::vector<Window> windows_;
  std::unordered_map<ReservationId, Reservation> open_;
  ReservationId next_ = 1;
};

}  // namespace vecmill::policy
