#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace vecmill::provider {

/// Lets calls through, in the order in which they come, while there is memory for them beside those
/// that are at work; one is always let through.
class MemoryGate {
 public:
  ///   bytes  for all calls together
  ///   free   bytes that the system has left now; asked while others are at work
  MemoryGate(std::uint64_t bytes, std::function<std::uint64_t()> free)
      : bytes_(bytes), free_(std::move(free)) {}

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// As long as it lives, its bytes are taken.
  class Hold {
   public:
    Hold(Hold&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), bytes_(other.bytes_) {}
    Hold& operator=(Hold&&) = delete;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      if (gate_ != nullptr) gate_->give_back(bytes_);
    }

   private:
    friend class MemoryGate;
    Hold(MemoryGate& gate, std::uint64_t bytes) : gate_(&gate), bytes_(bytes) {}
    MemoryGate* gate_;
    std::uint64_t bytes_;
  };

  /// Waits.
  Hold take(std::uint64_t bytes);

 private:
  void give_back(std::uint64_t bytes);

  const std::uint64_t bytes_;
  const std::function<std::uint64_t()> free_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t last_ = 0, next_ = 0;  ///< tickets: handed out, and whose turn it is
  std::uint64_t taken_ = 0, calls_ = 0;
};

}  // namespace vecmill::provider
