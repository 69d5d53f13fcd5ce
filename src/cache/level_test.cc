// What every level promises, whatever it keeps its rows in.
#include "vecmill/cache/level.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "vecmill/cache/memory_level.h"
#include "vecmill/cache/postgres_level.h"
#include "vecmill/cache/redis_level.h"
#include "vecmill/cache/server_testing.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/postgres/parameters.h"

namespace vecmill::cache {
namespace {

using std::chrono::seconds;

enum class Kind { kMemory, kSqlite, kRedis, kPostgres };

std::unique_ptr<Level> redis_level(const redis::TestServer& server,
                                   const ServerLevelOptions& options) {
  return make_redis_level(std::make_shared<redis::Client>(server.client()), options).value();
}

std::unique_ptr<Level> postgres_level(const postgres::TestServer& server,
                                      const ServerLevelOptions& options,
                                      std::uint64_t max_bytes = 64 << 20) {
  return make_postgres_level(postgres_client(server), options, max_bytes).value();
}

std::string name_of(const testing::TestParamInfo<Kind>& tested) {
  switch (tested.param) {
    case Kind::kMemory: return "Memory";
    case Kind::kSqlite: return "Sqlite";
    case Kind::kRedis: return "Redis";
    case Kind::kPostgres: break;
  }
  return "Postgres";
}

class LevelTest : public TestServers, public testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kRedis) need_redis();
    if (GetParam() == Kind::kPostgres) need_postgres();
  }
  std::unique_ptr<Level> open(seconds ttl = seconds(0)) {
    switch (GetParam()) {
      case Kind::kMemory: return make_memory_level({8 << 20, ttl}).value();
      case Kind::kSqlite:
        return SqliteLevel::open({.path = path_, .max_bytes = 64 << 20, .ttl = ttl}).value();
      case Kind::kRedis:
      case Kind::kPostgres: break;
    }
    auto level = GetParam() == Kind::kRedis ? redis_level(*redis_, {.ttl = ttl})
                                            : postgres_level(*postgres_, {.ttl = ttl});
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

INSTANTIATE_TEST_SUITE_P(All, LevelTest,
                         testing::Values(Kind::kMemory, Kind::kSqlite, Kind::kRedis,
                                         Kind::kPostgres),
                         name_of);

/// What servers promise besides, and what stands in one of them.
class ServerLevelTest : public TestServers, public testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    is_redis() ? need_redis() : need_postgres();
    if (IsSkipped()) return;
    ASSERT_TRUE(open()->clear());
    if (is_redis()) client_ = std::make_unique<redis::Client>(redis_->client());
    if (!is_redis()) database_ = postgres_client(*postgres_);
  }
  [[nodiscard]] static bool is_redis() { return GetParam() == Kind::kRedis; }

  std::unique_ptr<Level> open(const std::string& key = {}) {
    const ServerLevelOptions options{.ttl = seconds(0), .encryption_key = key};
    return is_redis() ? redis_level(*redis_, options) : postgres_level(*postgres_, options);
  }
  std::string place() { return client_->call({"KEYS", "*"})->items.at(0).text; }
  /// What the level keeps of text 0, of which alone there is something.
  std::string row() {
    if (is_redis()) return client_->call({"GET", place()})->text;
    return std::string(database_->run("SELECT value FROM @vecmill_vector_rows", {})->at(0, 0));
  }
  void set_row(const std::string& bytes) {
    if (is_redis()) {
      ASSERT_TRUE(client_->call({"SET", "vecmill:vector:1:" + key_of(0).name(), bytes}));
      return;
    }
    const std::vector<postgres::Param> params{{postgres::kBytea, key_of(0).name()},
                                              {postgres::kBytea, bytes}};
    ASSERT_TRUE(
        database_->run("INSERT INTO @vecmill_vector_rows VALUES ($1, $2, NULL, 0, 9, 0)"
                       " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                       params));
  }
  std::uint64_t rows() {
    if (is_redis()) return client_->call({"KEYS", "*"})->items.size();
    return database_->run("SELECT count(*)::text FROM @vecmill_vector_rows", {})->number(0, 0);
  }

  std::unique_ptr<redis::Client> client_;
  std::shared_ptr<postgres::Client> database_;
};

INSTANTIATE_TEST_SUITE_P(, ServerLevelTest, testing::Values(Kind::kRedis, Kind::kPostgres),
                         name_of);

TEST_P(ServerLevelTest, AnyFlippedByteOrCutIsAMissAndIsDropped) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  const std::string whole = row();
  std::uint64_t damaged = 0;
  for (std::size_t at = 0; at <= whole.size(); ++at) {
    std::string flipped = whole;
    at < whole.size() ? void(flipped[at] ^= 4) : void(flipped += 'x');
    for (const std::string& bad : {flipped, whole.substr(0, std::min(at, whole.size() - 1))}) {
      set_row(bad);
      ASSERT_EQ(found(*level, 0, 1, kStart), range(0, 0)) << at;
      EXPECT_EQ(level->stats().corrupt, ++damaged);
      ASSERT_EQ(rows(), 0U) << "dropped";
    }
  }
}

TEST_P(ServerLevelTest, SealedRowsNeedTheirKey) {
  const std::string key(32, 'k');
  ASSERT_TRUE(put(*open(key), 0, 1, kStart));
  EXPECT_EQ(found(*open(key), 0, 1, kStart), range(0, 1));
  EXPECT_EQ(found(*open(std::string(32, 'o')), 0, 1, kStart), range(0, 0));
}

TEST_P(ServerLevelTest, AServerThatIsAwayCostsHitsOnly) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 3, kStart));
  is_redis() ? redis_->kill() : postgres_->kill();
  while (found(*level, 0, 3, kStart)) std::this_thread::yield();  // an error, in the end
  EXPECT_FALSE(put(*level, 3, 4, kStart));
  is_redis() ? redis_->start() : postgres_->start();
  while (!found(*level, 0, 3, kStart)) std::this_thread::yield();  // its pause ends
  // A Redis that writes nothing down lost everything, a database nothing.
  EXPECT_EQ(found(*level, 0, 3, kStart), is_redis() ? range(0, 0) : range(0, 3));
  ASSERT_TRUE(put(*level, 0, 3, kStart));
  EXPECT_EQ(found(*level, 0, 3, kStart), range(0, 3));
}

class RedisLevelTest : public TestServers {
 protected:
  void SetUp() override {
    need_redis();
    client_ = std::make_unique<redis::Client>(redis_->client());
    EXPECT_TRUE(client_->call({"FLUSHALL"}));
  }
  std::unique_ptr<redis::Client> client_;
};

TEST_F(RedisLevelTest, RowsLeaveTheServerWithTheirTimeAndClearKeepsWhatIsOthers) {
  const auto level = redis_level(*redis_, {.ttl = seconds(100)});
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  const std::string key = "vecmill:vector:1:" + key_of(0).name();
  const std::int64_t left = client_->call({"PTTL", key})->integer;
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 100'000);
  ASSERT_TRUE(client_->call({"SET", "vecmill:other", "x"}));
  ASSERT_TRUE(level->clear());
  EXPECT_EQ(client_->call({"KEYS", "*"})->items.at(0).text, "vecmill:other");
  ASSERT_TRUE(client_->call({"LPUSH", key, "a list"}));
  EXPECT_EQ(found(*level, 0, 1, kStart), range(0, 0)) << "no row at all";
}

class PostgresLevelTest : public TestServers {
 protected:
  void SetUp() override {
    need_postgres();
    if (IsSkipped()) return;
    database_ = postgres_client(*postgres_);
    ASSERT_TRUE(postgres_level(*postgres_, {})->clear());
  }
  void TearDown() override {
    if (!IsSkipped()) expect_sizes_to_add_up();
  }
  std::uint64_t number(const std::string& sql) {
    const auto rows = database_->run("SELECT coalesce((" + sql + ")::text, '0')", {});
    EXPECT_TRUE(rows) << rows.error().to_string();
    return rows ? rows->number(0, 0) : 0;
  }
  std::uint64_t bytes() { return number("SELECT sum(bytes) FROM @vecmill_vector_sizes"); }
  void expect_sizes_to_add_up() {
    EXPECT_EQ(bytes(), number("SELECT sum(bytes) FROM @vecmill_vector_rows"));
    EXPECT_EQ(number("SELECT sum(rows) FROM @vecmill_vector_sizes"),
              number("SELECT count(*) FROM @vecmill_vector_rows"));
  }

  std::shared_ptr<postgres::Client> database_;
};

TEST_F(PostgresLevelTest, WhatWasNotUsedForLongestMakesRoom) {
  const auto level = postgres_level(*postgres_, {.ttl = seconds(0)}, 200'000);
  for (int n = 0; n < 100; ++n) ASSERT_TRUE(put(*level, n, n + 1, kStart + seconds(n), 256));
  const std::uint64_t all = bytes();
  EXPECT_LE(all, 200'000u);
  EXPECT_EQ(level->stats().evicted, 0U);
  // Used again, a day later, after which a row is worth noting it.
  const Time later = kStart + std::chrono::days(1) + seconds(200);
  EXPECT_EQ(found(*level, 0, 10, later, 256), range(0, 10));
  const int more = static_cast<int>((200'000 - all) / (all / 100)) + 20;
  for (int n = 100; n < 100 + more; ++n) ASSERT_TRUE(put(*level, n, n + 1, later, 256));
  EXPECT_LE(bytes(), 200'000u);
  EXPECT_EQ(level->stats().evicted, 20U);
  EXPECT_EQ(found(*level, 0, 10, later, 256), range(0, 10));
  EXPECT_EQ(found(*level, 10, 30, later, 256), range(0, 0));
  EXPECT_EQ(found(*level, 30, 100 + more, later, 256), range(30, 100 + more));
}

TEST_F(PostgresLevelTest, WhoWritesRemovesTwiceAsManyWhoseTimeIsOver) {
  const auto level = postgres_level(*postgres_, {.ttl = seconds(100)});
  ASSERT_TRUE(put(*level, 0, 50, kStart));
  ASSERT_TRUE(put(*level, 50, 60, kStart + seconds(100)));
  EXPECT_EQ(number("SELECT count(*) FROM @vecmill_vector_rows"), 40U);
  const Time wrong(std::chrono::days(200'000));  // a clock that is far ahead
  ASSERT_TRUE(put(*postgres_level(*postgres_, {.ttl = seconds(0)}), 60, 100, wrong));
  EXPECT_EQ(number("SELECT count(*) FROM @vecmill_vector_rows"), 40U)
      << "all of them were over by the server's clock, too";
  ASSERT_TRUE(database_->run("UPDATE @vecmill_vector_rows SET expires = 4000000000", {}));
  ASSERT_TRUE(put(*postgres_level(*postgres_, {.ttl = seconds(0)}), 60, 61, wrong));
  EXPECT_EQ(number("SELECT count(*) FROM @vecmill_vector_rows"), 40U) << "in 2096 they are";
}

/// Many at once write and read the same rows in every order: nobody is a victim of a deadlock.
TEST_F(PostgresLevelTest, WritersOfTheSameRowsDoNotLockEachOtherOut) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const auto level = postgres_level(*postgres_, {.ttl = seconds(100)}, 60'000);
      for (int round = 0; round < 20; ++round) {
        const int first = (t * 37 + round * 13) % 100;
        const Status done = put(*level, first, first + 60, kStart + seconds(round * 40));
        EXPECT_TRUE(done) << done.error().to_string();
        EXPECT_TRUE(found(*level, 0, 160, kStart + seconds(round * 40)));
      }
    });
  }
}

}  // namespace
}  // namespace vecmill::cache
