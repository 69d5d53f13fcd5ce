#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "vecmill/result.h"

namespace vecmill {

/// For how long a server that failed is left alone: doubles with each failure that follows another.
class Rest {
 public:
  using Clock = std::chrono::steady_clock;
  using Pause = std::chrono::milliseconds;

  Rest(Pause first, Pause most) : first_(first), most_(most) {}

  /// The failure for which nothing is tried yet; null: there is none, or it was long enough ago.
  [[nodiscard]] const Error* failure() const {
    return failure_ && Clock::now() < until_ ? &*failure_ : nullptr;
  }
  void failed(const Error& error) {
    pause_ = failure_ ? std::min(2 * pause_, most_) : first_;
    until_ = Clock::now() + pause_;
    failure_ = error;
  }
  void worked() { failure_.reset(); }

 private:
  Pause first_, most_, pause_{};
  std::optional<Error> failure_;
  Clock::time_point until_;
};

}  // namespace vecmill
