#pragma once

#include <cstdint>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// How many tokens a request should hold so that it takes about as long as wanted: a sixteenth more
/// after each that was quicker, a fifth less after one that was slower, half after a failure or
/// when memory runs short.
class AdaptiveBatch {
 public:
  struct Range {
    std::uint64_t least = 1'000;
    std::uint64_t most = 100'000;
  };

  /// Starts with the least.
  AdaptiveBatch(const Range& range, Duration target)
      : range_(range), target_(target), tokens_(range.least) {}

  [[nodiscard]] std::uint64_t tokens() const { return tokens_; }

  /// A request of so many tokens; a small one proves nothing for larger ones.
  void succeeded(std::uint64_t tokens, Duration took);

  void halve();

 private:
  Range range_;
  Duration target_;
  std::uint64_t tokens_;
};

}  // namespace vecmill::policy
