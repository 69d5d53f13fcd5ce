#include "vecmill/policy/adaptive_timeout.h"

#include <algorithm>

namespace vecmill::policy {
namespace {

constexpr int kMostPatience = 64;

/// A request in thousandths of one without tokens.
std::int64_t weight(std::uint64_t tokens) {
  constexpr std::uint64_t kMostTokens = 1'000'000;
  return static_cast<std::int64_t>(1'000 + std::min(tokens, kMostTokens));
}

}  // namespace

Duration AdaptiveTimeout::timeout(std::uint64_t tokens) const {
  if (!seen_) return range_.most;
  // One without tokens may not take longer than the most; this bounds the product, too.
  const Duration one = std::min(range_.most, patience_ * (mean_ + 4 * deviation_));
  return std::clamp(one * weight(tokens) / 1'000, range_.least, range_.most);
}

void AdaptiveTimeout::replied(std::uint64_t tokens, Duration took) {
  const Duration one = std::min(took, range_.most) * 1'000 / weight(tokens);
  deviation_ = seen_ ? (3 * deviation_ + std::chrono::abs(one - mean_)) / 4 : one / 2;
  mean_ = seen_ ? (7 * mean_ + one) / 8 : one;
  seen_ = true;
  patience_ = 1;
}

void AdaptiveTimeout::timed_out() { patience_ = std::min(kMostPatience, 2 * patience_); }

}  // namespace vecmill::policy
