#pragma once

#include <cstdint>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

struct TimeoutRange {
  Duration least = std::chrono::seconds(2);
  Duration most = std::chrono::seconds(60);
};

/// How long to wait for a reply: the mean of what was seen and four deviations, as TCP does (RFC
/// 6298), for the size of the request. The most until something was seen.
class AdaptiveTimeout {
 public:
  explicit AdaptiveTimeout(const TimeoutRange& range = {}) : range_(range) {}

  [[nodiscard]] Duration timeout(std::uint64_t tokens) const;

  void replied(std::uint64_t tokens, Duration took);

  /// Twice as long from now on, until there is a reply.
  void timed_out();

 private:
  TimeoutRange range_;
  bool seen_ = false;
  Duration mean_ = {};       // of a request without tokens; each 1,000 more add one such time
  Duration deviation_ = {};  // mean distance from it
  int patience_ = 1;
};

}  // namespace vecmill::policy
