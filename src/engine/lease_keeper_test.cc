#include "vecmill/engine/lease_keeper.h"

#include <gtest/gtest.h>

#include <atomic>

#include "vecmill/queue/model_queue.h"

namespace vecmill::engine {
namespace {

using namespace std::chrono_literals;

/// Counts beats, and may be away.
class Heard : public queue::ModelQueue {
 public:
  Result<std::vector<bool>> extend(std::span<const queue::Lease> leases, queue::Time now,
                                   queue::Time until) override {
    const std::lock_guard lock(mutex);
    ++beats;
    changed.notify_all();
    if (away) return make_error(ErrorKind::kUnavailable, "away");
    return ModelQueue::extend(leases, now, until);
  }

  queue::Lease take() {
    const queue::NewJob job{.payload = "a"};
    (void)submit(std::span(&job, 1), shown);
    return claim({"w", 1, 1h}, shown)->front().lease;
  }
  void wait_for_beats(int count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return beats >= count; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  int beats = 0;
  bool away = false;
};

void wait_until(const std::stop_token& token) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait(lock, token, [] { return false; });
}

TEST(LeaseKeeperTest, KeepsALeaseForAsLongAsItLives) {
  Heard queue;
  const queue::Lease lease = queue.take();
  {
    const LeaseKeeper keeper(queue, lease, 30ms);
    queue.wait_for_beats(5);
    EXPECT_FALSE(keeper.lost().stop_requested());
  }
  EXPECT_EQ(queue.list({}, 1)->front().lease_ends, queue.shown + 30ms);
}

TEST(LeaseKeeperTest, TellsWhoWasOvertaken) {
  Heard queue;
  const queue::Lease lease = queue.take();
  const LeaseKeeper keeper(queue, lease, 30ms);
  queue.wait_for_beats(1);
  int before = 0;
  {
    const std::lock_guard lock(queue.mutex);
    (void)queue.cancel({}, queue.shown);
    before = queue.beats;
  }
  wait_until(keeper.lost());
  EXPECT_EQ(queue.beats, before + 1) << "at once, not when the lease would have run out";
}

TEST(LeaseKeeperTest, ALeaseIsLostWhenNobodyCouldBeAskedForAsLongAsItWasGood) {
  Heard queue;
  queue.away = true;
  const LeaseKeeper keeper(queue, queue.take(), 30ms);
  wait_until(keeper.lost());
  const std::lock_guard lock(queue.mutex);
  EXPECT_GE(queue.beats, 1);
}

}  // namespace
}  // namespace vecmill::engine
