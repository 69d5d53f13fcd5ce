#include "vecmill/policy/adaptive_batch.h"

#include <algorithm>

namespace vecmill::policy {

void AdaptiveBatch::succeeded(std::uint64_t tokens, Duration took) {
  if (took > target_) {
    tokens_ = std::max(range_.least, tokens_ - tokens_ / 5);
  } else if (tokens >= tokens_ / 2) {
    tokens_ = std::min(range_.most, tokens_ + std::max(tokens_ / 16, std::uint64_t{1}));
  }
}

void AdaptiveBatch::halve() { tokens_ = std::max(range_.least, tokens_ / 2); }

}  // namespace vecmill::policy
