#include "vecmill/engine/lease_keeper.h"

#include <chrono>
#include <span>

namespace vecmill::engine {

LeaseKeeper::LeaseKeeper(queue::Queue& queue, queue::Lease lease, queue::Duration length)
    : queue_(queue),
      lease_(lease),
      length_(length),
      thread_([this](const std::stop_token& stop) { beat(stop); }) {}

void LeaseKeeper::beat(const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  auto good_until = Clock::now() + length_;
  std::unique_lock lock(mutex_);
  while (true) {
    ended_.wait_for(lock, stop, length_ / 3, [] { return false; });
    if (stop.stop_requested()) return;
    const auto asked = Clock::now();
    const auto now = queue_.clock();
    const auto good = now ? queue_.extend(std::span(&lease_, 1), *now, *now + length_)
                          : Result<std::vector<bool>>(now.error());
    if (good && good->front()) good_until = asked + length_;
    if ((good && !good->front()) || Clock::now() >= good_until) {
      lost_.request_stop();
      return;
    }
  }
}

}  // namespace vecmill::engine
