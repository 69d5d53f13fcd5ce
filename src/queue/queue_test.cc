#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "vecmill/base/database.h"
#include "vecmill/base/instrumented.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/queue/model_queue.h"
#include "vecmill/queue/sqlite_queue.h"

namespace vecmill::queue {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const Time kStart{Duration(1'800'000'000'000)};

class QueueTest : public testing::Test {
 protected:
  QueueTest() {
    std::filesystem::create_directories(folder_);
    queue_ = open();
  }
  ~QueueTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Queue> open() const {
    auto queue = open_sqlite_queue(folder_ / "queue.db");
    EXPECT_TRUE(queue) << queue.error().to_string();
    return queue ? std::move(*queue) : nullptr;
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

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-queue-" + std::to_string(getpid()));
  std::unique_ptr<Queue> queue_;
};

TEST_F(QueueTest, AJobIsClaimedOnceAndDoneOnce) {
  const JobId id = submit("a");
  const auto claimed = claim(kStart);
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].lease.attempt, 1u);
  EXPECT_THAT(payloads(kStart), IsEmpty());
  EXPECT_THAT(*queue_->complete(std::vector{claimed[0].lease}, kStart), ElementsAre(true));
  EXPECT_THAT(*queue_->complete(std::vector{claimed[0].lease}, kStart), ElementsAre(false));
  EXPECT_EQ(state(id), State::kDone);
}

TEST_F(QueueTest, AnotherConnectionSeesTheSameJobs) {
  submit("a");
  const auto other = open();
  EXPECT_EQ(other->claim({.worker = "o", .count = 10}, kStart)->size(), 1u);
  EXPECT_THAT(payloads(kStart), IsEmpty());
}

TEST_F(QueueTest, WhoIsOvertakenChangesNothing) {
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

TEST_F(QueueTest, ALeaseThatRanOutIsNotGoodEvenIfNobodyElseCame) {
  submit("a");
  const Lease lease = claim(kStart)[0].lease;
  EXPECT_THAT(*queue_->complete(std::vector{lease}, kStart + 30s), ElementsAre(false));
}

TEST_F(QueueTest, AClassIsAnHourAheadAndNoneStarves) {
  submit({.payload = "low", .priority = Priority::kLow, .due = kStart});
  submit({.payload = "high", .priority = Priority::kHigh, .due = kStart + 1h});
  submit({.payload = "late urgent", .priority = Priority::kUrgent, .due = kStart + 3h + 1ms});
  submit({.payload = "normal", .priority = Priority::kNormal, .due = kStart + 59min});
  EXPECT_THAT(payloads(kStart + 4h), ElementsAre("high", "normal", "low", "late urgent"));
}

TEST_F(QueueTest, AFailureWaitsAndTheLastOneIsDeath) {
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

TEST_F(QueueTest, AJobThatKillsItsWorkerGoesAloneAndIsGivenUpAfterThree) {
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

TEST_F(QueueTest, AWorkerThatEndsInGoodOrderLeavesNoTrace) {
  submit("a");
  const Lease lease = claim(kStart)[0].lease;
  EXPECT_THAT(*queue_->release(std::vector{lease}, kStart), ElementsAre(true));
  const auto again = claim(kStart);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].failures + again[0].crashes, 0u);
}

TEST_F(QueueTest, TheSameKeyIsTheSameJobUntilItEnds) {
  const NewJob job{.payload = "a", .due = kStart, .key = "k"};
  const JobId first = submit(job);
  EXPECT_EQ(submit(job), first);
  (void)queue_->complete(std::vector{claim(kStart)[0].lease}, kStart);
  EXPECT_NE(submit(job), first);
}

TEST_F(QueueTest, AFileOfAnotherProgramIsLeftAlone) {
  auto db = Database::open(folder_ / "other.db", true);
  ASSERT_TRUE(db && db->run("CREATE TABLE t(x)"));
  std::filesystem::permissions(folder_ / "other.db", std::filesystem::perms::owner_read |
                                                         std::filesystem::perms::owner_write);
  const auto queue = open_sqlite_queue(folder_ / "other.db");
  ASSERT_FALSE(queue);
  EXPECT_EQ(queue.error().kind, ErrorKind::kUnsupported);
}

/// Sends the same random calls to the queue and to the model; all answers must be equal.
class Twin {
 public:
  Twin(Queue& queue, std::uint64_t seed) : queue_(queue), random_(seed) {}

  void step() {
    now_ += Duration(below(4) == 0 ? below(40'000) : below(2'000));
    switch (below(12)) {
      case 0:
      case 1:
      case 2: return submit();
      case 3:
      case 4: return claim();
      case 5:
      case 6: return both([&](Queue& q) { return q.complete(some_leases(), now_); });
      case 7: return fail();
      case 8: return both([&](Queue& q) { return q.extend(some_leases(), now_, now_ + 20s); });
      case 9: return both([&](Queue& q) { return q.release(some_leases(), now_); });
      case 10: return operate();
      default: return look();
    }
  }

 private:
  /// The same call to both: `what` must draw the same numbers each time.
  template <typename Do>
  void both(Do what) {
    const Random before = random_;
    const auto theirs = what(model_);
    random_ = before;
    const auto ours = what(queue_);
    ASSERT_TRUE(ours) << ours.error().to_string();
    ASSERT_EQ(*ours, *theirs);
  }

  void submit() {
    both([&](Queue& q) {
      std::vector<NewJob> jobs(1 + below(6));
      for (NewJob& job : jobs) {
        job.payload = "p" + std::to_string(below(1'000'000));
        job.priority = static_cast<Priority>(below(4));
        job.due = now_ + Duration(below(3) == 0 ? below(60'000) : 0);
        job.group = below(2) == 0 ? "g" : "h";
        if (below(3) == 0) job.key = "k" + std::to_string(below(20));
        job.attempts = static_cast<std::uint32_t>(1 + below(3));
      }
      return q.submit(jobs, now_);
    });
  }

  void claim() {
    const ClaimOptions options{"w" + std::to_string(below(3)),
                               static_cast<std::uint32_t>(1 + below(8)),
                               Duration(1 + below(20'000))};
    const auto theirs = model_.claim(options, now_);
    const auto ours = queue_.claim(options, now_);
    ASSERT_TRUE(ours) << ours.error().to_string();
    ASSERT_EQ(ours->size(), theirs->size());
    for (std::size_t i = 0; i < ours->size(); ++i) {
      const Claimed &a = (*ours)[i], &b = (*theirs)[i];
      ASSERT_EQ(a.lease, b.lease);
      ASSERT_EQ(std::tie(a.payload, a.group, a.priority, a.failures, a.crashes),
                std::tie(b.payload, b.group, b.priority, b.failures, b.crashes));
      ASSERT_TRUE(i > 0 || a.lease.token > last_token_) << "fences are monotone";
      last_token_ = a.lease.token;
      leases_.push_back(a.lease);
    }
    if (leases_.size() > 40) leases_.erase(leases_.begin(), leases_.begin() + 20);
  }

  void fail() {
    both([&](Queue& q) {
      std::vector<Failure> failures;
      for (const Lease& lease : some_leases()) {
        failures.push_back({lease, below(2) == 0 ? "x" : "y", "m"});
        if (below(3) > 0) failures.back().retry_at = now_ + Duration(below(30'000));
      }
      return q.fail(failures, now_);
    });
  }

  void operate() {
    const JobFilter which = filter();
    switch (below(6)) {
      case 0: return both([&](Queue& q) { return q.cancel(which, now_); });
      case 1: return both([&](Queue& q) { return q.purge(which, now_ - 10s); });
      default:
        return both([&](Queue& q) {
          return q.redrive(which, now_, [](auto old) { return std::string(old) + "'"; });
        });
    }
  }

  void look() {
    both([&](Queue& q) -> Result<std::optional<Time>> {
      auto when = q.wake();
      if (when && *when) *when = std::max(**when, now_);  // how long ago is not promised
      return when;
    });
    const JobFilter which = filter();
    const auto ours = queue_.list(which, 10), theirs = model_.list(which, 10);
    ASSERT_TRUE(ours) << ours.error().to_string();
    ASSERT_EQ(ours->size(), theirs->size());
    for (std::size_t i = 0; i < ours->size(); ++i) {
      const JobInfo &a = (*ours)[i], &b = (*theirs)[i];
      ASSERT_EQ(std::tie(a.id, a.priority, a.group, a.key, a.payload, a.claims, a.failures),
                std::tie(b.id, b.priority, b.group, b.key, b.payload, b.claims, b.failures));
      ASSERT_EQ(std::tie(a.state, a.crashes, a.attempts, a.made, a.due, a.ended, a.worker),
                std::tie(b.state, b.crashes, b.attempts, b.made, b.due, b.ended, b.worker));
      ASSERT_EQ(std::tie(a.cause, a.message), std::tie(b.cause, b.message));
    }
    ASSERT_EQ(queue_.count()->size(), model_.count()->size());
    const auto dead = *queue_.dead(), their_dead = *model_.dead();
    ASSERT_EQ(dead.size(), their_dead.size());
    for (std::size_t i = 0; i < dead.size(); ++i) {
      ASSERT_EQ(std::tie(dead[i].cause, dead[i].jobs, dead[i].first, dead[i].last),
                std::tie(their_dead[i].cause, their_dead[i].jobs, their_dead[i].first,
                         their_dead[i].last));
    }
  }

  JobFilter filter() {
    JobFilter which;
    if (below(2) == 0) which.group = "g";
    if (below(3) == 0) which.cause = "x";
    if (below(3) == 0) which.ids = {below(200), below(200), below(200)};
    if (below(3) == 0) which.after = below(100);
    return which;
  }

  /// Good ones and others.
  std::vector<Lease> some_leases() {
    std::vector<Lease> some;
    for (const Lease& lease : leases_) {
      if (below(4) == 0) some.push_back(lease);
    }
    return some;
  }

  struct Random {
    explicit Random(std::uint64_t seed) : state(seed) {}
    std::uint64_t state;
  };
  std::uint64_t below(std::uint64_t n) {
    random_.state = random_.state * 6364136223846793005u + 1442695040888963407u;
    return (random_.state >> 33) % n;
  }

  Queue& queue_;
  ModelQueue model_;
  Random random_;
  Time now_ = kStart;
  std::vector<Lease> leases_;
  std::uint64_t last_token_ = 0;
};

TEST_F(QueueTest, DoesAsTheModelInAnyOrderOfCalls) {
  const char* given = std::getenv("VECMILL_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const bool deep = std::getenv("VECMILL_TEST_DEEP") != nullptr;
  const int seeds = deep ? 200 : VECMILL_INSTRUMENTED ? 2 : 8;
  for (int i = 0; i < seeds; ++i) {
    const auto path = folder_ / ("twin" + std::to_string(i) + ".db");
    const auto queue = open_sqlite_queue(path);
    ASSERT_TRUE(queue);
    Twin twin(**queue, seed * 1000 + static_cast<std::uint64_t>(i));
    for (int step = 0; step < (deep ? 5'000 : 1'000); ++step) {
      twin.step();
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", queue " << i << ", step " << step;
    }
  }
}

TEST_F(QueueTest, NoJobGoesToTwoOfManyThreads) {
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
