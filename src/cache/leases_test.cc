#include "vecmill/cache/leases.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "vecmill/cache/cache.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/cache/testing.h"
#include "vecmill/redis/testing.h"

namespace vecmill::cache {
namespace {

using std::chrono::milliseconds;

class LeasesTest : public TestFolder {
 protected:
  static redis::TestServer& server() {
    static redis::TestServer server;
    return server;
  }
  static std::shared_ptr<redis::Client> client() {
    return std::make_shared<redis::Client>(server().client());
  }

  /// As another process would have it: on the same file and server.
  std::unique_ptr<Cache> open(LeaseOptions options = {}) {
    std::vector<std::unique_ptr<Level>> levels;
    levels.push_back(SqliteLevel::open({.path = path_, .max_bytes = 64 << 20}).value());
    return std::make_unique<Cache>(std::move(levels), Store::kF32,
                                   std::make_shared<Leases>(client(), options));
  }

  void SetUp() override { ASSERT_TRUE(client()->call({"FLUSHALL"})); }

  const Key key_ = key_of(1);
};

std::vector<Result<Embedding>> vectors_of(std::size_t count) {
  return {count, Result<Embedding>(value_of(1))};
}

TEST_F(LeasesTest, OnlyOneHasItUntilItIsGivenBack) {
  Leases one(client()), other(client());
  EXPECT_TRUE(one.take({&key_, 1})[0]);
  EXPECT_FALSE(other.take({&key_, 1})[0]);
  other.give_back({&key_, 1});
  EXPECT_FALSE(other.take({&key_, 1})[0]) << "it was not his";
  one.give_back({&key_, 1});
  EXPECT_TRUE(other.take({&key_, 1})[0]);
}

TEST_F(LeasesTest, WhatALateHolderGivesBackIsNotHisAnyMore) {
  Leases one(client()), other(client()), third(client());
  EXPECT_TRUE(one.take({&key_, 1})[0]);
  ASSERT_TRUE(client()->call({"FLUSHALL"}));  // as if its time had run out
  EXPECT_TRUE(other.take({&key_, 1})[0]);
  one.give_back({&key_, 1});
  EXPECT_FALSE(third.take({&key_, 1})[0]);
}

TEST_F(LeasesTest, ALivingHolderKeepsItAndADeadOneLosesIt) {
  const LeaseOptions quick{.lease = milliseconds(800)};
  const pid_t child = fork();
  if (child == 0) {
    Leases leases(client(), quick);
    (void)leases.take({&key_, 1});
    pause();
  }
  Leases other(client(), quick);
  const std::string name =
      "vecmill:lease:1:" + std::string(reinterpret_cast<const char*>(key_.mac.data()), 16);
  redis::Client look(server().client());
  while (look.call({"EXISTS", name})->integer == 0) std::this_thread::yield();
  std::int64_t before = 800, left = 0;
  while ((left = look.call({"PTTL", name})->integer) <= before) {
    ASSERT_GT(left, 0);
    before = left;
  }  // until it was renewed
  EXPECT_FALSE(other.take({&key_, 1})[0]);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (!other.take({&key_, 1})[0]) std::this_thread::yield();
}

TEST_F(LeasesTest, TwoProcessesThatMissTogetherMakeItOnce) {
  const auto one = open(), other = open();
  std::atomic<int> made = 0, asked = 0;
  redis::Client look(server().client());
  const auto asks = [&] {
    constexpr std::string_view kCalls = "cmdstat_set:calls=";
    const std::string counts = look.call({"INFO", "commandstats"})->text;
    return std::stoll(counts.substr(counts.find(kCalls) + kCalls.size()));
  };
  const std::string_view text = "text 1";
  std::thread second;
  const auto answers =
      one->get_or_make(test_keys(), {&text, 1}, kStart, [&](Cache::Texts texts, const Keep&) {
        ++made;
        const auto before = asks();
        second = std::thread([&] {
          const auto found = other->get_or_make(test_keys(), {&text, 1}, kStart,
                                                [&](Cache::Texts more, const Keep&) {
                                                  ++made;
                                                  return vectors_of(more.size());
                                                });
          asked += found[0].hit && same(*found[0].value, value_of(1)) ? 1 : 0;
        });
        while (asks() < before + 2) std::this_thread::yield();  // the other has asked, twice
        return vectors_of(texts.size());
      });
  second.join();
  EXPECT_TRUE(answers[0].value);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(asked, 1);
}

TEST_F(LeasesTest, WhoEndsWithAnExceptionHoldsNothing) {
  const std::string_view text = "text 1";
  const auto cache = open();
  const auto make = [](Cache::Texts, const Keep&) -> std::vector<Result<Embedding>> {
    throw std::runtime_error("no memory");
  };
  EXPECT_THROW((void)cache->get_or_make(test_keys(), {&text, 1}, kStart, make), std::runtime_error);
  const Key key = test_keys()(text);
  EXPECT_TRUE(Leases(client()).take({&key, 1})[0]);
}

TEST_F(LeasesTest, WaitingEndsWithPatienceWithAStopAndWithoutAServer) {
  Leases holder(client());
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

  redis::TestServer own;
  Leases alone(std::make_shared<redis::Client>(own.client()));
  own.kill();
  EXPECT_TRUE(alone.take({&key_, 1})[0]);
  alone.give_back({&key_, 1});
}

}  // namespace
}  // namespace vecmill::cache
