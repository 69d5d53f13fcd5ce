#include "vecmill/cache/memory_level.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

using std::chrono::seconds;

std::unique_ptr<Level> level_of(std::uint64_t bytes, seconds ttl = seconds(0)) {
  return std::move(make_memory_level({bytes, ttl}).value());
}

TEST(MemoryLevelTest, WhatIsPutComesBackWhole) {
  const auto level = level_of(8 << 20);
  ASSERT_TRUE(put(*level, 0, 1000, kStart));
  EXPECT_EQ(found(*level, 0, 1000, kStart), range(0, 1000));
  EXPECT_EQ(found(*level, 1000, 1100, kStart), range(0, 0));
  EXPECT_EQ(level->stats().hits, 1000u);
  EXPECT_EQ(level->stats().misses, 100u);
  EXPECT_EQ(level->stats().rows, 1000u);
  ASSERT_TRUE(put(*level, 0, 1000, kStart));
  EXPECT_EQ(level->stats().rows, 1000u) << "put again";
  ASSERT_TRUE(level->clear());
  EXPECT_EQ(level->stats().bytes, 0u);
  EXPECT_EQ(found(*level, 0, 1000, kStart), range(0, 0));
}

TEST(MemoryLevelTest, ExpiredIsAMiss) {
  const auto level = level_of(8 << 20, seconds(100));
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  ASSERT_TRUE(put(*level, 1, 2, kStart + seconds(50)));
  EXPECT_EQ(found(*level, 0, 2, kStart + seconds(99)), range(0, 2));
  EXPECT_EQ(found(*level, 0, 2, kStart + seconds(100)), range(1, 2)) << "a hit is no new life";
  EXPECT_EQ(found(*level, 0, 2, kStart + seconds(150)), range(0, 0));
  EXPECT_EQ(level->stats().expired, 2u);
  EXPECT_EQ(level->stats().rows, 0u);
}

TEST(MemoryLevelTest, TheByteLimitIsKeptAndCountsEverything) {
  for (const std::uint32_t dims : {1u, 16u, 1024u}) {
    const std::uint64_t limit = 4 << 20;
    const auto before = mallinfo2();
    const auto level = level_of(limit);
    for (int n = 0; n < (dims > 100 ? 3000 : 24'000); n += 1000) {
      ASSERT_TRUE(put(*level, n, n + 1000, kStart, dims));
      ASSERT_LE(level->stats().bytes, limit);
    }
    const auto after = mallinfo2();
    EXPECT_LE(after.uordblks - before.uordblks, limit) << dims;  // both 0 in a sanitizer
    EXPECT_GT(level->stats().bytes, limit * 8 / 10) << dims;
    EXPECT_GT(level->stats().evicted, 0u);
  }
}

TEST(MemoryLevelTest, WhatIsUsedStays) {
  const auto level = level_of(4 << 20);
  ASSERT_TRUE(put(*level, 0, 100, kStart, 1024));
  for (int n = 1000; n < 5000; n += 50) {
    ASSERT_TRUE(put(*level, n, n + 50, kStart, 1024));
    ASSERT_EQ(found(*level, 0, 100, kStart, 1024), range(0, 100)) << n;
  }
  EXPECT_EQ(found(*level, 1000, 2000, kStart, 1024), range(0, 0)) << "used once, long ago";
}

TEST(MemoryLevelTest, AVectorLargerThanTheLevelIsNotKept) {
  const auto level = level_of(1 << 20);
  ASSERT_TRUE(put(*level, 0, 1, kStart, 1 << 20));
  EXPECT_EQ(level->stats().rows, 0u);
  EXPECT_FALSE(make_memory_level({.max_bytes = 1000}));
}

}  // namespace
}  // namespace vecmill::cache
