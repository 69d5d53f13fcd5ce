#pragma once

#include <cstdint>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// A rate for providers that name none: down to 7/10 when a request is throttled, up in a straight
/// line while requests succeed (AIMD).
class AdaptiveRate {
 public:
  /// From nothing to the ceiling, of work without a pause.
  static constexpr std::chrono::minutes kClimb{10};
  /// A success speaks for no more than this before it.
  static constexpr std::chrono::seconds kSpan{1};

  explicit AdaptiveRate(std::uint64_t ceiling) : ceiling_(ceiling) {}

  /// Units per period, 1 at least: what a server takes of those who do not pay.
  [[nodiscard]] std::uint64_t count() const;

  void succeeded(Time now);

  /// `sent`: when the request left. What left before the last cut says nothing of the rate since.
  void throttled(Time now, Time sent);

 private:
  std::uint64_t ceiling_;
  Duration height_ = kClimb;  // the rate, as the time to climb there
  Time last_success_ = {};
  Time last_cut_ = {};
};

}  // namespace vecmill::policy
