#include "vecmill/provider/memory_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace vecmill::provider {
namespace {

constexpr std::uint64_t kMuch = ~std::uint64_t{0};

std::uint64_t much() { return kMuch; }

/// Takes in another thread.
class Taker {
 public:
  Taker(MemoryGate& gate, std::uint64_t bytes) {
    thread_ = std::jthread([this, &gate, bytes] {
      auto hold = gate.take(bytes);
      is_in_ = true;
      is_in_.notify_all();
      go_.wait(false);
    });
  }
  ~Taker() { leave(); }
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

  void wait() { is_in_.wait(false); }
  [[nodiscard]] bool is_in() const { return is_in_; }
  void leave() {
    go_ = true;
    go_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> is_in_ = false, go_ = false;
  std::jthread thread_;
};

TEST(MemoryGateTest, WhatFitsBesideOthersIsLetThrough) {
  MemoryGate gate(100, much);
  const auto one = gate.take(60);
  std::optional<MemoryGate::Hold> other = gate.take(40);
  Taker third(gate, 1);
  EXPECT_FALSE(third.is_in());
  other.reset();
  third.wait();
}

TEST(MemoryGateTest, WhoNeedsMoreThanThereIsWaitsUntilHeIsAlone) {
  MemoryGate gate(100, much);
  std::optional<MemoryGate::Hold> small = gate.take(1);
  Taker large(gate, 1000);
  EXPECT_FALSE(large.is_in());
  small.reset();
  large.wait();
  Taker next(gate, 1);
  EXPECT_FALSE(next.is_in());
  large.leave();
  next.wait();
  next.leave();
}

TEST(MemoryGateTest, WhereTheSystemHasNothingLeftOneIsAtWork) {
  std::atomic<bool> asked = false;
  MemoryGate gate(kMuch, [&] {
    asked = true;
    return std::uint64_t{9};
  });
  std::optional<MemoryGate::Hold> one = gate.take(10);
  Taker other(gate, 10);
  while (!asked && !other.is_in()) std::this_thread::yield();
  EXPECT_FALSE(other.is_in());
  one.reset();
  other.wait();
  const auto less = gate.take(9);
}

/// However many come, never more than there is is taken, but by one alone; and all come through.
TEST(MemoryGateTest, HoldsWhoeverComes) {
  constexpr std::uint64_t kBytes = 100;
  MemoryGate gate(kBytes, much);
  std::atomic<std::uint64_t> taken = 0, calls = 0, through = 0;
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int n = 0; n < 2000; ++n) {
        const std::uint64_t bytes = random() % 150;
        const auto hold = gate.take(bytes);
        ++calls;
        const std::uint64_t now = taken += bytes;
        EXPECT_TRUE(now <= kBytes || calls == 1) << now;
        std::this_thread::yield();  // to whoever should not be here
        taken -= bytes;
        --calls;
        ++through;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(through, 8000U);
}

}  // namespace
}  // namespace vecmill::provider
