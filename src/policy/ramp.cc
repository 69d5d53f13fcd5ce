#include "vecmill/policy/ramp.h"

#include <algorithm>

namespace vecmill::policy {

std::uint64_t Ramp::allowed(Time now) {
  if (!started_) {
    started_ = true;
    step_start_ = now;
  }
  if (now - step_start_ >= kStep) {
    const auto steps = (now - step_start_) / kStep;
    // A deep bucket can let more through than its rate.
    const std::uint64_t per_minute =
        std::min<std::uint64_t>(allowed_, used_ / static_cast<std::uint64_t>(kStep.count()));
    allowed_ = steps == 1 ? std::max(kStart, per_minute + per_minute / 2) : kStart;
    step_start_ += steps * kStep;
    used_ = 0;
  }
  return allowed_;
}

}  // namespace vecmill::policy
