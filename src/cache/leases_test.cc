#include "vecmill/cache/leases.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>

#include "vecmill/cache/cache.h"
#include "vecmill/cache/postgres_leases.h"
#include "vecmill/cache/redis_leases.h"
#include "vecmill/cache/server_testing.h"
#include "vecmill/cache/sqlite_level.h"

namespace vecmill::cache {
namespace {

using std::chrono::milliseconds;

enum class Kept { kRedis, kPostgres };

/// What every server of leases promises.
class LeasesTest : public TestServers, public testing::WithParamInterface<Kept> {
 protected:
  void SetUp() override {
    is_redis() ? need_redis() : need_postgres();
    if (!IsSkipped()) forget_everything();
  }
  [[nodiscard]] static bool is_redis() { return GetParam() == Kept::kRedis; }

  static std::unique_ptr<LeaseServer> server() {
    if (is_redis()) {
      return make_redis_leases(std::make_shared<redis::Client>(redis_->client()));
    }
    return make_postgres_leases(postgres_client(*postgres_));
  }
  static void forget_everything() {
    if (is_redis()) {
      ASSERT_TRUE(redis::Client(redis_->client()).call({"FLUSHALL"}));
    } else {
      ASSERT_TRUE(postgres_client(*postgres_)->run("TRUNCATE @vecmill_vector_leases", {}));
    }
  }

  /// As another process would have it: on the same file and server.
  std::unique_ptr<Cache> open(LeaseOptions options = {},
                              std::unique_ptr<LeaseServer> asked = server()) {
    std::vector<std::unique_ptr<Level>> levels;
    levels.push_back(SqliteLevel::open({.path = path_, .max_bytes = 64 << 20}).value());
    return std::make_unique<Cache>(std::move(levels), Store::kF32,
                                   std::make_shared<Leases>(std::move(asked), options));
  }

  /// Says for how many milliseconds the lease of `key_` goes on; 0: there is none.
  std::function<std::int64_t()> looker() {
    if (is_redis()) {
      return [this, look = std::make_shared<redis::Client>(redis_->client())] {
        return std::max<std::int64_t>(
            look->call({"PTTL", "vecmill:lease:1:" + key_.name()})->integer, 0);
      };
    }
    return [look = postgres_client(*postgres_)] {
      const auto rows = look->run(
          "SELECT greatest(0, ceil(1000 * extract(epoch FROM until - clock_timestamp())))::text"
          " FROM @vecmill_vector_leases",
          {});
      return rows->empty() ? 0 : static_cast<std::int64_t>(rows->number(0, 0));
    };
  }

  const Key key_ = key_of(1);
};

INSTANTIATE_TEST_SUITE_P(, LeasesTest, testing::Values(Kept::kRedis, Kept::kPostgres),
                         [](const auto& of) {
                           return std::string(of.param == Kept::kRedis ? "redis" : "postgres");
                         });

/// Counts how often somebody asks.
class CountingServer final : public LeaseServer {
 public:
  CountingServer(std::unique_ptr<LeaseServer> server, std::atomic<int>& asked)
      : server_(std::move(server)), asked_(asked) {}

  Result<std::vector<bool>> take(Names names, const std::string& holder, Time lease) override {
    ++asked_;
    return server_->take(names, holder, lease);
  }
  void extend(Names names, const std::string& holder, Time time) override {
    server_->extend(names, holder, time);
  }

 private:
  const std::unique_ptr<LeaseServer> server_;
  std::atomic<int>& asked_;
};

std::vector<Result<Embedding>> vectors_of(std::size_t count) {
  return {count, Result<Embedding>(value_of(1))};
}

TEST_P(LeasesTest, OnlyOneHasItUntilItIsGivenBack) {
  Leases one(server()), other(server());
  EXPECT_TRUE(one.take({&key_, 1})[0]);
  EXPECT_FALSE(other.take({&key_, 1})[0]);
  other.give_back({&key_, 1});
  EXPECT_FALSE(other.take({&key_, 1})[0]) << "it was not his";
  one.give_back({&key_, 1});
  EXPECT_TRUE(other.take({&key_, 1})[0]);
}

TEST_P(LeasesTest, WhatALateHolderGivesBackIsNotHisAnyMore) {
  Leases one(server()), other(server()), third(server());
  EXPECT_TRUE(one.take({&key_, 1})[0]);
  forget_everything();  // as if its time had run out
  EXPECT_TRUE(other.take({&key_, 1})[0]);
  one.give_back({&key_, 1});
  EXPECT_FALSE(third.take({&key_, 1})[0]);
}

TEST_P(LeasesTest, ALivingHolderKeepsItAndADeadOneLosesIt) {
  const LeaseOptions quick{.lease = milliseconds(800)};
  const pid_t child = fork();
  if (child == 0) {
    Leases leases(server(), quick);
    (void)leases.take({&key_, 1});
    pause();
  }
  Leases other(server(), quick);
  const auto look = looker();
  while (look() <= 0) std::this_thread::yield();
  std::int64_t before = 800, left = 0;
  while ((left = look()) <= before) {
    ASSERT_GT(left, 0);
    before = left;
  }  // until it was renewed
  EXPECT_FALSE(other.take({&key_, 1})[0]);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (!other.take({&key_, 1})[0]) std::this_thread::yield();
}

TEST_P(LeasesTest, TwoProcessesThatMissTogetherMakeItOnce) {
  std::atomic<int> made = 0, found_there = 0, asked = 0;
  const auto one = open();
  const auto other = open({}, std::make_unique<CountingServer>(server(), asked));
  const std::string_view text = "text 1";
  std::thread second;
  const auto answers =
      one->get_or_make(test_keys(), {&text, 1}, kStart, [&](Cache::Texts texts, const Keep&) {
        ++made;
        second = std::thread([&] {
          const auto found = other->get_or_make(test_keys(), {&text, 1}, kStart,
                                                [&](Cache::Texts more, const Keep&) {
                                                  ++made;
                                                  return vectors_of(more.size());
                                                });
          found_there += found[0].hit && same(*found[0].value, value_of(1)) ? 1 : 0;
        });
        while (asked < 2) std::this_thread::yield();  // the other has, too
        return vectors_of(texts.size());
      });
  second.join();
  EXPECT_TRUE(answers[0].value);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(found_there, 1);
}

TEST_P(LeasesTest, WhoEndsWithAnExceptionHoldsNothing) {
  const std::string_view text = "text 1";
  const auto cache = open();
  const auto make = [](Cache::Texts, const Keep&) -> std::vector<Result<Embedding>> {
    throw std::runtime_error("no memory");
  };
  EXPECT_THROW((void)cache->get_or_make(test_keys(), {&text, 1}, kStart, make), std::runtime_error);
  const Key key = test_keys()(text);
  EXPECT_TRUE(Leases(server()).take({&key, 1})[0]);
}

TEST_P(LeasesTest, WaitingEndsWithPatienceWithAStopAndWithoutAServer) {
  Leases holder(server());
  ASSERT_TRUE(holder.take({&key_, 1})[0]);
  const std::string_view text = "text 1";
  int made = 0;
  const auto make = [&](Cache::Texts texts, const Keep&) {
    ++made;
    return vectors_of(texts.size());
  };
  const auto impatient = open({.first_pause = milliseconds(1), .patience = milliseconds(3)});
  EXPECT_TRUE(impatient->get_or_make(test_keys(), {&text, 1}, kStart, make)[0].value);
  EXPECT_EQ(made, 1);
  std::stop_source stop;
  stop.request_stop();
  const std::string_view second = "text 2";
  const Key key = test_keys()(second);
  ASSERT_TRUE(holder.take({&key, 1})[0]);
  EXPECT_TRUE(
      open()->get_or_make(test_keys(), {&second, 1}, kStart, make, stop.get_token())[0].value);
  EXPECT_EQ(made, 2);

  Leases alone(server());
  is_redis() ? redis_->kill() : postgres_->kill();
  EXPECT_TRUE(alone.take({&key_, 1})[0]);
  alone.give_back({&key_, 1});
  is_redis() ? redis_->start() : postgres_->start();
}

}  // namespace
}  // namespace vecmill::cache
