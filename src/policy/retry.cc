#include "vecmill/policy/retry.h"

#include <algorithm>

namespace vecmill::policy {

bool RetryBudget::take() {
  if (credit_ < kCost) return false;
  credit_ -= kCost;
  return true;
}

Duration Retry::backoff(Duration base, int failures) const {
  constexpr int kMostDoublings = 16;
  return std::min(options_.cap, base * (1 << std::min(failures - 1, kMostDoublings)));
}

std::optional<Time> Retry::after(Outcome outcome, Time now, std::optional<Duration> hint,
                                 Random& random, RetryBudget& budget) {
  const bool throttled = outcome == Outcome::kThrottled;
  if (!throttled && outcome != Outcome::kTransient) return std::nullopt;
  int& count = throttled ? throttles_ : failures_;
  if (++count >= (throttled ? options_.throttles : options_.attempts)) return std::nullopt;
  const Duration jitter = backoff(throttled ? options_.throttled_base : options_.base, count);
  const Duration least = std::clamp(hint.value_or(Duration(0)), Duration(0), options_.hint_cap);
  Time at = now + least + random.up_to(jitter);
  if (at >= deadline_) return std::nullopt;
  // What was throttled was no work for the server.
  if (!throttled && !budget.take()) {
    if (options_.unbudgeted == Duration(0)) return std::nullopt;
    at += options_.unbudgeted;
  }
  return at < deadline_ ? std::optional(at) : std::nullopt;
}

}  // namespace vecmill::policy
