#pragma once

#include <optional>

#include "vecmill/policy/outcome.h"
#include "vecmill/policy/random.h"
#include "vecmill/policy/time.h"

namespace vecmill::policy {

struct RetryOptions {
  int attempts = 3;    ///< with the first; waiting for a 429 is not an attempt
  int throttles = 30;  ///< how often a request may be throttled before it is given up
  Duration base = std::chrono::milliseconds(500);  ///< doubles with each failure
  Duration throttled_base = std::chrono::seconds(1);
  Duration cap = std::chrono::seconds(20);
  Duration hint_cap = std::chrono::seconds(120);  ///< of what the server asks for
  /// How long a retry waits that the budget has no room for; 0: it is not made.
  Duration unbudgeted = {};
};

/// Keeps retries that come soon below a tenth of what succeeds, so that they cannot bring down a
/// server that is in trouble. One per provider.
class RetryBudget {
 public:
  static constexpr int kDepth = 100;  ///< ten retries, for the beginning
  static constexpr int kCost = 10;    ///< of a retry, in successes

  void succeeded() { credit_ = credit_ < kDepth ? credit_ + 1 : kDepth; }

  /// False: nothing left, and nothing taken.
  [[nodiscard]] bool take();

 private:
  int credit_ = kDepth;
};

/// The failures of one request.
class Retry {
 public:
  explicit Retry(const RetryOptions& options = {}) : options_(options) {}

  /// When to send again after a call that ended so; nothing: give up. Full jitter: anywhere between
  /// 0 and base · 2ⁿ. A server's own wish is a least wait, with the jitter behind it.
  [[nodiscard]] std::optional<Time> after(Outcome outcome, Time now, std::optional<Duration> hint,
                                          Random& random, RetryBudget& budget);

  /// Later moments are of no use.
  void set_deadline(Time deadline) { deadline_ = deadline; }

 private:
  [[nodiscard]] Duration backoff(Duration base, int failures) const;

  RetryOptions options_;
  Time deadline_ = kNever;
  int failures_ = 0;
  int throttles_ = 0;
};

}  // namespace vecmill::policy
