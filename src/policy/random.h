#pragma once

#include <cstdint>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// SplitMix64: the same numbers from the same seed, everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }

  /// 0 … n-1; `n` is small against 2^64, so that the bias of the remainder is of no matter.
  std::uint64_t below(std::uint64_t n) { return next() % n; }

  /// 0 … limit, both included.
  Duration up_to(Duration limit) {
    return Duration(below(static_cast<std::uint64_t>(limit.count()) + 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace vecmill::policy
