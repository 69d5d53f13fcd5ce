#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "vecmill/base/database.h"
#include "vecmill/base/instrumented.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/postgres/testing.h"
#include "vecmill/queue/postgres_queue.h"
#include "vecmill/queue/redis_queue.h"
#include "vecmill/queue/redis_scripts.h"
#include "vecmill/queue/sqlite_queue.h"
#include "vecmill/queue/twin.h"
#include "vecmill/redis/testing.h"

namespace vecmill::queue {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const Time kStart{Duration(1'800'000'000'000)};

/// A place for queues, real servers in front of them, started once.
class Places {
 public:
  static Places& get() {
    static Places places;
    return places;
  }

  std::unique_ptr<Queue> open(const std::string& kind, const std::string& name) {
    auto queue = kind == "sqlite"     ? open_sqlite_queue(folder_ / (name + ".db"))
                 : kind == "postgres" ? open_postgres(name)
                                      : open_redis();
    if (!queue) throw std::runtime_error(queue.error().to_string());
    return std::move(*queue);
  }

  /// So that a queue is a new one.
  void empty(const std::string& kind) {
    if (kind == "redis" && redis_) (void)redis::Client(redis_->client()).call({"FLUSHALL"});
  }

  [[nodiscard]] std::filesystem::path folder() const { return folder_; }
  redis::TestServer& redis() {
    if (!redis_) {
      redis_ = std::make_unique<redis::TestServer>(
          std::vector<std::string>{"--appendonly", "yes", "--appendfsync", "everysec"});
    }
    return *redis_;
  }
  postgres::TestServer& postgres() {
    if (!postgres_) postgres_ = postgres::TestServer::begin();
    if (!postgres_) throw std::runtime_error("PostgreSQL 15 is not there; run tools/setup.sh");
    return *postgres_;
  }

 private:
  Places() { std::filesystem::create_directories(folder_); }
  ~Places() { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<Queue>> open_postgres(const std::string& schema) {
    auto connection = postgres::Connection::open(*postgres::parse_database(postgres().url()));
    if (!connection) return connection.error();
    VECMILL_TRY(connection->run_script("CREATE SCHEMA IF NOT EXISTS " + schema));
    return open_postgres_queue(postgres().url() + "&schema=" + schema);
  }
  Result<std::unique_ptr<Queue>> open_redis() {
    RedisQueueOptions options;
    options.client = redis().client();
    options.create = true;
    return open_redis_queue(options);
  }

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-queue-" + std::to_string(getpid()));
  std::unique_ptr<redis::TestServer> redis_;
  std::unique_ptr<postgres::TestServer> postgres_;
};

class QueueTest : public testing::TestWithParam<std::string> {
 protected:
  QueueTest() {
    static int count = 0;
    name_ = "q" + std::to_string(count++);
    Places::get().empty(GetParam());
    queue_ = open();
  }

  std::unique_ptr<Queue> open(const std::string& more = {}) const {
    return Places::get().open(GetParam(), name_ + more);
  }

  JobId submit(const NewJob& job) { return queue_->submit(std::span(&job, 1), kStart)->front(); }
  JobId submit(const std::string& payload) { return submit({.payload = payload, .due = kStart}); }

  std::vector<Claimed> claim(Time now, std::uint32_t count = 10) {
    auto claimed = queue_->claim({.worker = "w", .count = count, .lease = 30s}, now);
    EXPECT_TRUE(claimed) << claimed.error().to_string();
    return std::move(*claimed);
  }

  std::vector<std::string> payloads(Time now, std::uint32_t count = 10) {
    std::vector<std::string> all;
    for (const Claimed& job : claim(now, count)) all.push_back(job.payload);
    return all;
  }

  State state(JobId id) { return queue_->list({.ids = {id}}, 1)->front().state; }

  std::string name_;
  std::unique_ptr<Queue> queue_;
};

INSTANTIATE_TEST_SUITE_P(All, QueueTest, testing::Values("sqlite", "postgres", "redis"),
                         [](const auto& place) { return place.param; });

TEST_P(QueueTest, AJobIsClaimedOnceAndDoneOnce) {
  const JobId id = submit("a");
  const auto claimed = claim(kStart);
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].lease.attempt, 1u);
  EXPECT_THAT(payloads(kStart), IsEmpty());
  EXPECT_THAT(*queue_->complete(std::vector{claimed[0].lease}, kStart), ElementsAre(true));
  EXPECT_THAT(*queue_->complete(std::vector{claimed[0].lease}, kStart), ElementsAre(false));
  EXPECT_EQ(state(id), State::kDone);
}

TEST_P(QueueTest, AnotherConnectionSeesTheSameJobs) {
  submit("a");
  const auto other = open();
  EXPECT_EQ(other->claim({.worker = "o", .count = 10}, kStart)->size(), 1u);
  EXPECT_THAT(payloads(kStart), IsEmpty());
}

TEST_P(QueueTest, WhoIsOvertakenChangesNothing) {
  const JobId id = submit("a");
  const Lease old = claim(kStart)[0].lease;
  const Lease young = claim(kStart + 31s)[0].lease;
  EXPECT_GT(young.token, old.token);
  const Time later = kStart + 32s;
  EXPECT_THAT(*queue_->extend(std::vector{old}, later, later + 30s), ElementsAre(false));
  EXPECT_THAT(*queue_->complete(std::vector{old}, later), ElementsAre(false));
  EXPECT_THAT(*queue_->fail(std::vector{Failure{old, "c", "m"}}, later), ElementsAre(false));
  EXPECT_THAT(*queue_->release(std::vector{old}, later), ElementsAre(false));
  EXPECT_EQ(state(id), State::kLeased);
  EXPECT_THAT(*queue_->complete(std::vector{young}, later), ElementsAre(true));
}

TEST_P(QueueTest, ALeaseThatRanOutIsNotGoodEvenIfNobodyElseCame) {
  submit("a");
  const Lease lease = claim(kStart)[0].lease;
  EXPECT_THAT(*queue_->complete(std::vector{lease}, kStart + 30s), ElementsAre(false));
}

TEST_P(QueueTest, AClassIsAnHourAheadAndNoneStarves) {
  submit({.payload = "low", .priority = Priority::kLow, .due = kStart});
  submit({.payload = "high", .priority = Priority::kHigh, .due = kStart + 1h});
  submit({.payload = "late urgent", .priority = Priority::kUrgent, .due = kStart + 3h + 1ms});
  submit({.payload = "normal", .priority = Priority::kNormal, .due = kStart + 59min});
  EXPECT_THAT(payloads(kStart + 4h), ElementsAre("high", "normal", "low", "late urgent"));
}

TEST_P(QueueTest, AFailureWaitsAndTheLastOneIsDeath) {
  const JobId id = submit({.payload = "a", .due = kStart, .attempts = 2});
  const auto fail = [&](Time now) {
    const Failure failure{claim(now)[0].lease, "too_long", "8193 tokens", now + 10s};
    EXPECT_THAT(*queue_->fail(std::vector{failure}, now), ElementsAre(true));
  };
  fail(kStart);
  EXPECT_EQ(state(id), State::kDelayed);
  EXPECT_EQ(*queue_->wake(), kStart + 10s);
  EXPECT_THAT(payloads(kStart + 9s), IsEmpty());
  fail(kStart + 10s);
  EXPECT_EQ(state(id), State::kDead);
  EXPECT_EQ(*queue_->wake(), std::nullopt);
  const auto dead = *queue_->dead();
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].cause, "too_long");

  const auto edit = [](std::string_view old) { return std::string(old) + ", cut"; };
  EXPECT_EQ(*queue_->redrive({.cause = "other"}, kStart + 1min, edit), 0u);
  EXPECT_EQ(*queue_->redrive({.cause = "too_long"}, kStart + 1min, edit), 1u);
  EXPECT_THAT(payloads(kStart + 1min), ElementsAre("a, cut"));
}

TEST_P(QueueTest, AJobThatKillsItsWorkerGoesAloneAndIsGivenUpAfterThree) {
  for (const char* name : {"poison", "b", "c"}) submit(name);
  EXPECT_EQ(claim(kStart).size(), 3u);
  // All three are suspects now, each goes alone; two are done and the third kills twice more.
  Time now = kStart + 31s;
  for (const char* name : {"poison", "b", "c"}) {
    const auto alone = claim(now);
    ASSERT_EQ(alone.size(), 1u);
    EXPECT_EQ(alone[0].payload, name);
    if (alone[0].payload != "poison") (void)queue_->complete(std::vector{alone[0].lease}, now);
  }
  submit("d");
  now += 31s;
  EXPECT_THAT(payloads(now), ElementsAre("poison"));
  EXPECT_THAT(payloads(now), ElementsAre("d"));
  now += 31s;
  EXPECT_THAT(payloads(now), ElementsAre("d"));
  EXPECT_EQ((*queue_->dead())[0].cause, Queue::kWorkerDied);
}

TEST_P(QueueTest, AWorkerThatEndsInGoodOrderLeavesNoTrace) {
  submit("a");
  const Lease lease = claim(kStart)[0].lease;
  EXPECT_THAT(*queue_->release(std::vector{lease}, kStart), ElementsAre(true));
  const auto again = claim(kStart);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].failures + again[0].crashes, 0u);
}

TEST_P(QueueTest, PartsStandInTheirJobsPlaceOrNothingHappens) {
  const JobId id = submit("a and b");
  const Lease old = claim(kStart)[0].lease;
  const std::vector<NewJob> parts{{.payload = "a", .due = kStart}, {.payload = "b", .due = kStart}};
  EXPECT_FALSE(*queue_->replace(old, parts, kStart + 30s));
  const Lease lease = claim(kStart + 30s)[0].lease;
  EXPECT_TRUE(*queue_->replace(lease, parts, kStart + 30s));
  EXPECT_FALSE(*queue_->replace(lease, parts, kStart + 30s));
  EXPECT_EQ(state(id), State::kDone);
  EXPECT_THAT(payloads(kStart + 30s), ElementsAre("a", "b"));
}

TEST_P(QueueTest, TheSameKeyIsTheSameJobUntilItEnds) {
  const NewJob job{.payload = "a", .due = kStart, .key = "k"};
  const JobId first = submit(job);
  EXPECT_EQ(submit(job), first);
  (void)queue_->complete(std::vector{claim(kStart)[0].lease}, kStart);
  EXPECT_NE(submit(job), first);
}

/// What the scripts and functions of servers are told beside a job: name of the call and time.
const std::string kCall = "a-call", kNow = "1800000000000";

TEST(PostgresQueueTest, ACallThatComesAgainAnswersAsBeforeAndDoesNothing) {
  const auto queue = Places::get().open("postgres", "again");
  auto connection =
      postgres::Connection::open(*postgres::parse_database(Places::get().postgres().url()));
  for (int turn = 0; turn < 2; ++turn) {
    const auto ids = connection->run("SELECT again.vecmill_queue_submit('" + kCall + "', " + kNow +
                                     ", '{a,b}', '{1,1}', '{1,1}', '{3,3}', '{g,g}', '{\"\",k}')");
    ASSERT_TRUE(ids) << ids.error().to_string();
    EXPECT_EQ(ids->at(0, 0), "1,2");
  }
  EXPECT_EQ(queue->list({}, 10)->size(), 2U);
}

TEST(RedisQueueTest, ACallThatComesAgainAnswersAsBeforeAndDoesNothing) {
  Places::get().redis();
  Places::get().empty("redis");
  const auto queue = Places::get().open("redis", {});
  redis::Client client(Places::get().redis().client());
  const std::string born = client.call({"HGET", "{vecmill-queue}:born", "name"})->text;
  const std::vector<std::string> keys{"{vecmill-queue}:"};
  const std::vector<std::string> job{"a", "1", "1", "3", "g", ""};
  std::vector<std::string> arguments{born, kCall, kNow};
  arguments.insert(arguments.end(), job.begin(), job.end());
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(client.run(RedisScripts().submit, keys, arguments)->items[1].text, "1");
  }
  EXPECT_EQ(queue->list({}, 10)->size(), 1U);
}

TEST(RedisQueueTest, ARedisThatLostTheQueueIsAnErrorAndNeverAnEmptyQueue) {
  Places::get().redis();
  const auto queue = Places::get().open("redis", {});
  ASSERT_TRUE(queue->claim({"w", 1}, kStart));
  Places::get().empty("redis");
  EXPECT_EQ(queue->claim({"w", 1}, kStart).error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(queue->count().error().kind, ErrorKind::kInvalidData);
  const auto another = Places::get().open("redis", {});
  EXPECT_EQ(queue->claim({"w", 1}, kStart).error().kind, ErrorKind::kInvalidData);
  RedisQueueOptions options;
  options.client = Places::get().redis().client();
  Places::get().empty("redis");
  EXPECT_EQ(open_redis_queue(options).error().kind, ErrorKind::kNotFound);
}

TEST(RedisQueueTest, AQueueOfTheVersionBeforeIsLeftAlone) {
  Places::get().redis();
  Places::get().empty("redis");
  redis::Client client(Places::get().redis().client());
  ASSERT_TRUE(client.call({"SET", "{vecmill-queue}:born", "1-2-3-4"}));
  RedisQueueOptions options;
  options.client = Places::get().redis().client();
  options.create = true;
  EXPECT_EQ(open_redis_queue(options).error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(client.call({"DBSIZE"})->integer, 1);
}

TEST(SqliteQueueTest, AFileOfAnotherProgramIsLeftAlone) {
  const auto file = Places::get().folder() / "other.db";
  auto db = Database::open(file, true);
  ASSERT_TRUE(db && db->run("CREATE TABLE t(x)"));
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto queue = open_sqlite_queue(file);
  ASSERT_FALSE(queue);
  EXPECT_EQ(queue.error().kind, ErrorKind::kUnsupported);
}

TEST_P(QueueTest, DoesAsTheModelInAnyOrderOfCalls) {
  const char* given = std::getenv("VECMILL_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const bool deep = std::getenv("VECMILL_TEST_DEEP") != nullptr;
  const int many = GetParam() == "sqlite" ? 8 : 3;  // a call of a server takes longer
  const int seeds = deep ? 5 * many : VECMILL_INSTRUMENTED ? 1 : many;
  for (int i = 0; i < seeds; ++i) {
    Places::get().empty(GetParam());
    const auto queue = open("twin" + std::to_string(i));
    Twin twin(*queue, seed * 1000 + static_cast<std::uint64_t>(i));
    for (int step = 0; step < (deep ? 5'000 : 1'000); ++step) {
      twin.step();
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", queue " << i << ", step " << step;
    }
  }
}

TEST_P(QueueTest, NoJobGoesToTwoOfManyThreads) {
  constexpr std::size_t kThreads = 4, kJobs = 400;
  const std::vector<NewJob> jobs(kJobs, NewJob{.payload = "x", .due = kStart});
  ASSERT_TRUE(queue_->submit(jobs, kStart));
  std::vector<std::vector<JobId>> got(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const auto queue = open();
      for (;;) {
        const auto claimed = queue->claim({.worker = "w", .count = 7}, kStart);
        if (!claimed || claimed->empty()) return;
        std::vector<Lease> leases;
        for (const Claimed& job : *claimed) {
          got[i].push_back(job.lease.job);
          leases.push_back(job.lease);
        }
        (void)queue->complete(leases, kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<JobId> all;
  for (const auto& part : got) all.insert(all.end(), part.begin(), part.end());
  std::ranges::sort(all);
  EXPECT_EQ(all.size(), kJobs);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

}  // namespace
}  // namespace vecmill::queue
