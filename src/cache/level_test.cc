// What every level promises, whatever it keeps its rows in.
#include "vecmill/cache/level.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "vecmill/cache/memory_level.h"
#include "vecmill/cache/redis_level.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/cache/testing.h"
#include "vecmill/redis/testing.h"

namespace vecmill::cache {
namespace {

using std::chrono::seconds;

enum class Kind { kMemory, kSqlite, kRedis };

redis::TestServer& server() {
  static redis::TestServer server;
  return server;
}

std::unique_ptr<Level> redis_level(seconds ttl, const std::string& key = {}) {
  return make_redis_level(std::make_shared<redis::Client>(server().client()),
                          {.ttl = ttl, .encryption_key = key})
      .value();
}

class LevelTest : public TestFolder, public testing::WithParamInterface<Kind> {
 protected:
  std::unique_ptr<Level> open(seconds ttl = seconds(0)) {
    switch (GetParam()) {
      case Kind::kMemory: return make_memory_level({8 << 20, ttl}).value();
      case Kind::kSqlite:
        return SqliteLevel::open({.path = path_, .max_bytes = 64 << 20, .ttl = ttl}).value();
      case Kind::kRedis: break;
    }
    auto level = redis_level(ttl);
    EXPECT_TRUE(level->clear());
    return level;
  }
};

TEST_P(LevelTest, WhatIsPutComesBackWholeUntilItIsCleared) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 300, kStart));
  ASSERT_TRUE(put(*level, 300, 305, kStart, 2048));
  EXPECT_EQ(found(*level, 0, 300, kStart), range(0, 300));
  EXPECT_EQ(found(*level, 300, 310, kStart, 2048), range(300, 305));
  EXPECT_EQ(level->stats().hits, 305u);
  EXPECT_EQ(level->stats().misses, 5u);
  EXPECT_EQ(level->stats().puts, 305u);
  ASSERT_TRUE(put(*level, 0, 300, kStart)) << "again";
  EXPECT_EQ(found(*level, 0, 300, kStart), range(0, 300));
  ASSERT_TRUE(level->clear());
  EXPECT_EQ(found(*level, 0, 305, kStart), range(0, 0));
}

TEST_P(LevelTest, AFilledPlaceIsLeftAlone) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  std::vector<std::optional<Hit>> values{Hit{value_of(7), kStart}};
  const Key key = key_of(0);
  ASSERT_TRUE(level->get_many({&key, 1}, kStart, values));
  EXPECT_TRUE(same(values[0]->value, value_of(7)));
}

TEST_P(LevelTest, ACollisionOfTheKeyIsAMissAndStaysItsOwners) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  expect_collisions_to_miss(*level, kStart);
}

TEST_P(LevelTest, ExpiredIsAMiss) {
  const auto level = open(seconds(100));
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  ASSERT_TRUE(put(*level, 1, 2, kStart + seconds(50)));
  EXPECT_EQ(found(*level, 0, 2, kStart + seconds(99)), range(0, 2));
  EXPECT_EQ(found(*level, 0, 2, kStart + seconds(100)), range(1, 2)) << "a hit is no new life";
  EXPECT_EQ(found(*level, 0, 2, kStart + seconds(150)), range(0, 0));
  EXPECT_EQ(level->stats().expired, GetParam() == Kind::kMemory ? 2u : 3u) << "kept, or dropped";
}

TEST_P(LevelTest, AgeCountsFromWhenItWasMadeNotFromWhenItWasPut) {
  const auto level = open(seconds(100));
  const Embedding value = value_of(0);
  const Item item{key_of(0), &value, kStart};
  ASSERT_TRUE(level->put_many({&item, 1}, kStart + seconds(60)));
  std::vector<std::optional<Hit>> values(1);
  ASSERT_TRUE(level->get_many({&item.key, 1}, kStart + seconds(99), values));
  ASSERT_TRUE(values[0]);
  EXPECT_EQ(values[0]->made, kStart);
  EXPECT_EQ(found(*level, 0, 1, kStart + seconds(100)), range(0, 0));
}

TEST_P(LevelTest, ThreadsNeverSeeEachOthersVectors) {
  const auto level = open();
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 400; n += 100) {
        if (!put(*level, n, n + 100, kStart, 64)) ++wrong;
        if (!found(*level, 50 * t, 400, kStart, 64)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

std::string name_of(const testing::TestParamInfo<Kind>& tested) {
  return tested.param == Kind::kMemory   ? "Memory"
         : tested.param == Kind::kSqlite ? "Sqlite"
                                         : "Redis";
}

INSTANTIATE_TEST_SUITE_P(All, LevelTest,
                         testing::Values(Kind::kMemory, Kind::kSqlite, Kind::kRedis), name_of);

class RedisLevelTest : public testing::Test {
 protected:
  RedisLevelTest() : client_(server().client()) { EXPECT_TRUE(client_.call({"FLUSHALL"})); }

  std::string only_key() {
    const auto keys = client_.call({"KEYS", "*"});
    return keys && keys->items.size() == 1 ? keys->items[0].text : "not one key";
  }

  redis::Client client_;
};

TEST_F(RedisLevelTest, AnyFlippedByteOrCutIsAMissAndIsDropped) {
  const auto level = redis_level(seconds(0));
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  const std::string key = only_key();
  const std::string whole = client_.call({"GET", key})->text;
  std::uint64_t damaged = 0;
  for (std::size_t at = 0; at <= whole.size(); ++at) {
    std::string row = whole;
    at < whole.size() ? void(row[at] ^= 4) : void(row += 'x');
    for (const std::string& bad : {row, whole.substr(0, std::min(at, whole.size() - 1))}) {
      ASSERT_TRUE(client_.call({"SET", key, bad}));
      ASSERT_EQ(found(*level, 0, 1, kStart), range(0, 0)) << at;
      EXPECT_EQ(level->stats().corrupt, ++damaged);
      ASSERT_EQ(client_.call({"EXISTS", key})->integer, 0) << "dropped";
    }
  }
  ASSERT_TRUE(client_.call({"LPUSH", key, "a list"}));
  EXPECT_EQ(found(*level, 0, 1, kStart), range(0, 0)) << "no row at all";
}

TEST_F(RedisLevelTest, RowsLeaveTheServerWithTheirTimeAndClearKeepsWhatIsOthers) {
  const auto level = redis_level(seconds(100));
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  const std::int64_t left = client_.call({"PTTL", only_key()})->integer;
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 100'000);
  ASSERT_TRUE(client_.call({"SET", "vecmill:other", "x"}));
  ASSERT_TRUE(level->clear());
  EXPECT_EQ(only_key(), "vecmill:other");
}

TEST_F(RedisLevelTest, SealedRowsNeedTheirKey) {
  const std::string key(32, 'k');
  ASSERT_TRUE(put(*redis_level(seconds(0), key), 0, 1, kStart));
  EXPECT_EQ(found(*redis_level(seconds(0), key), 0, 1, kStart), range(0, 1));
  EXPECT_EQ(found(*redis_level(seconds(0), std::string(32, 'o')), 0, 1, kStart), range(0, 0));
}

TEST_F(RedisLevelTest, AServerThatIsAwayOrEmptiedCostsHitsOnly) {
  redis::TestServer own;
  const auto level = make_redis_level(std::make_shared<redis::Client>(own.client()), {}).value();
  ASSERT_TRUE(put(*level, 0, 3, kStart));
  own.kill();
  EXPECT_FALSE(found(*level, 0, 3, kStart)) << "an error, which the cache counts";
  EXPECT_FALSE(put(*level, 3, 4, kStart));
  own.start();
  while (!found(*level, 0, 3, kStart)) std::this_thread::yield();  // its pause ends
  EXPECT_EQ(found(*level, 0, 3, kStart), range(0, 0)) << "it lost everything";
  ASSERT_TRUE(put(*level, 0, 3, kStart));
  EXPECT_EQ(found(*level, 0, 3, kStart), range(0, 3));
}

}  // namespace
}  // namespace vecmill::cache
