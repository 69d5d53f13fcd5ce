#include "vecmill/encode/team.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>

namespace vecmill::encode {
namespace {

TEST(TeamTest, EveryMemberWorksOncePerCall) {
  for (const std::uint32_t threads : {1U, 2U, 4U}) {
    Team team(threads);
    ASSERT_EQ(team.size(), threads);
    for (int call = 0; call < 50; ++call) {
      std::mutex mutex;
      std::multiset<std::uint32_t> ranks;
      team.run([&](const Crew& crew) {
        const std::lock_guard lock(mutex);
        ranks.insert(crew.rank);
      });
      ASSERT_EQ(ranks.size(), threads);
      for (std::uint32_t rank = 0; rank < threads; ++rank) EXPECT_EQ(ranks.count(rank), 1U);
    }
  }
}

TEST(TeamTest, WhatOneWroteBeforeTheBarrierOthersReadBehindIt) {
  Team team(3);
  std::vector<int> cells(3);
  bool right = true;
  std::mutex mutex;
  team.run([&](const Crew& crew) {
    for (int round = 1; round <= 200; ++round) {
      cells[crew.rank] = round;
      crew.wait();
      const bool seen = cells == std::vector<int>(3, round);
      {
        const std::lock_guard lock(mutex);
        right = right && seen;
      }
      crew.wait();
    }
  });
  EXPECT_TRUE(right);
}

TEST(TeamTest, SharesCoverEverythingOnce) {
  for (const std::uint32_t count : {0U, 1U, 7U, 72U}) {
    std::uint32_t next = 0;
    for (std::uint32_t rank = 0; rank < 5; ++rank) {
      const auto share = Crew{rank, 5, nullptr}.share(count);
      EXPECT_EQ(share.first, next);
      next = share.last;
    }
    EXPECT_EQ(next, count);
  }
}

}  // namespace
}  // namespace vecmill::encode
