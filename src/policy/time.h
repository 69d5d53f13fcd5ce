#pragma once

#include <chrono>

namespace vecmill::policy {

using Duration = std::chrono::nanoseconds;

/// A moment on a clock that never goes back. Every state machine here is handed the present one
/// and reads no clock.
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// "When something else happens": the moment that no clock reaches.
inline constexpr Time kNever = Time::max();

/// A date in UTC, for calendars. People and servers set such clocks, so that no wait is computed
/// from two of our own readings.
using Date = std::chrono::sys_seconds;

}  // namespace vecmill::policy
