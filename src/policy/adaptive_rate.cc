#include "vecmill/policy/adaptive_rate.h"

#include <algorithm>

#include "vecmill/base/wide.h"

namespace vecmill::policy {

std::uint64_t AdaptiveRate::count() const {
  return scale_up(ceiling_, static_cast<std::uint64_t>(height_.count()),
                  static_cast<std::uint64_t>(Duration(kClimb).count()));
}

void AdaptiveRate::succeeded(Time now) {
  const Duration worked = std::clamp<Duration>(now - last_success_, Duration(0), kSpan);
  height_ = std::min<Duration>(kClimb, height_ + worked);
  last_success_ = std::max(last_success_, now);
}

void AdaptiveRate::throttled(Time now, Time sent) {
  if (sent < last_cut_) return;
  last_cut_ = now;
  height_ = std::max<Duration>(Duration(kClimb) / ceiling_, height_ * 7 / 10);
}

}  // namespace vecmill::policy
