#pragma once

#include <cstdint>

#include "vecmill/policy/outcome.h"
#include "vecmill/policy/time.h"

namespace vecmill::policy {

struct BreakerOptions {
  int failures = 5;  ///< in a row
  Duration open_for = std::chrono::seconds(60);
  /// Longer for a refused key, which a person must put right.
  Duration key_open_for = std::chrono::minutes(15);
  Duration slow = std::chrono::seconds(30);  ///< a success that took longer is a failure
  int probes = 1;                            ///< at once while half open; so many must succeed
};

/// Stops calls to what keeps failing, per key: closed → open → half open (a few probes) → closed.
/// Failures are those of the server: neither the caller's errors nor throttling count.
class Breaker {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };

  struct Pass {
    bool granted = false;
    std::uint64_t era = 0;  ///< to be given back with the report; ever greater
    Time ask_again = {};    ///< when refused; earlier only if something is reported
  };

  explicit Breaker(const BreakerOptions& options = {}) : options_(options) {}

  /// To be asked last: a call that is admitted and neither made nor cancelled is a probe that is
  /// lost.
  [[nodiscard]] Pass admit(Time now);

  /// How an admitted call ended. One from before the last change of state is out of date and is
  /// ignored, so that a flood of late failures cannot open the breaker twice.
  void report(Time now, const Pass& pass, Outcome outcome, Duration took);

  /// An admitted call that was not made after all.
  void cancel(const Pass& pass);

  [[nodiscard]] State state() const { return state_; }

 private:
  void enter(State state);
  void open(Time until);

  BreakerOptions options_;
  State state_ = State::kClosed;
  std::uint64_t era_ = 1;
  int failures_ = 0;  // in a row, while closed
  int probing_ = 0;   // started, while half open
  int proved_ = 0;    // of them succeeded
  Time until_ = {};   // open until; half open: a lost probe is given up
};

}  // namespace vecmill::policy
