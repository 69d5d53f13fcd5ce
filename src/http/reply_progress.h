#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace vecmill::http {

/// Whether a reply that has begun goes on: it must bring `bytes` more within `timeout`, again and
/// again. As long as it has not begun, it has all the time there is.
class ReplyProgress {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void received(std::size_t bytes) { bytes_ += bytes; }

  /// How much of the time is left; none: it has not begun.
  [[nodiscard]] std::optional<std::chrono::milliseconds> left(Time now,
                                                              std::chrono::milliseconds timeout,
                                                              std::uint64_t bytes) {
    if (bytes_ == 0) return {};
    if (!since_ || bytes_ - bytes_then_ >= bytes) {
      since_ = now;
      bytes_then_ = bytes_;
    }
    return std::chrono::ceil<std::chrono::milliseconds>(*since_ + timeout - now);
  }

 private:
  std::uint64_t bytes_ = 0, bytes_then_ = 0;
  std::optional<Time> since_;
};

}  // namespace vecmill::http
