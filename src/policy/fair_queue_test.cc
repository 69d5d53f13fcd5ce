#include "vecmill/policy/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};

std::string served(FairQueue& queue, Time now = kStart) {
  std::string order;
  while (const auto job = queue.pop(now)) order += job->tenant + std::to_string(job->id) + " ";
  return order;
}

void push(FairQueue& queue, const std::string& tenant, std::uint64_t id, std::uint64_t cost = 10,
          Priority priority = Priority::kNormal) {
  ASSERT_TRUE(queue.push(kStart, {id, tenant, priority, cost}));
}

TEST(FairQueueTest, TenantsTakeTurns) {
  FairQueue queue({.quantum = 10});
  for (std::uint64_t i = 1; i <= 3; ++i) push(queue, "a", i);
  for (std::uint64_t i = 1; i <= 2; ++i) push(queue, "b", i);
  EXPECT_EQ(served(queue), "a1 b1 a2 b2 a3 ");
}

TEST(FairQueueTest, TurnsAreSharedByCostNotByJob) {
  FairQueue queue({.quantum = 10});
  for (std::uint64_t i = 1; i <= 2; ++i) push(queue, "a", i, 20);
  for (std::uint64_t i = 1; i <= 4; ++i) push(queue, "b", i, 10);
  EXPECT_EQ(served(queue), "b1 a1 b2 b3 a2 b4 ");
}

TEST(FairQueueTest, AQuantumCanHoldSeveralJobsButIsNotSavedUp) {
  FairQueue queue({.quantum = 30});
  for (std::uint64_t i = 1; i <= 4; ++i) push(queue, "a", i);
  push(queue, "b", 1);
  EXPECT_EQ(served(queue), "a1 a2 a3 b1 a4 ");
  for (std::uint64_t i = 1; i <= 4; ++i) push(queue, "b", i);
  push(queue, "a", 1);
  EXPECT_EQ(served(queue), "b1 b2 b3 a1 b4 ");
}

TEST(FairQueueTest, UrgentJobsGoFirst) {
  FairQueue queue({});
  push(queue, "a", 1, 10, Priority::kBulk);
  push(queue, "a", 2, 10, Priority::kNormal);
  push(queue, "a", 3, 10, Priority::kUrgent);
  EXPECT_EQ(served(queue), "a3 a2 a1 ");
}

TEST(FairQueueTest, PatienceEnds) {
  FairQueue queue({.patience = 1s});
  push(queue, "a", 1, 10, Priority::kBulk);
  push(queue, "a", 2, 10, Priority::kNormal);
  for (std::uint64_t i = 3; i < 99; ++i) push(queue, "a", i, 10, Priority::kUrgent);
  std::vector<std::pair<std::uint64_t, Duration>> others;
  for (Time now = kStart; now <= kStart + 3s; now += 100ms) {
    const auto job = queue.pop(now);
    if (job->priority != Priority::kUrgent) others.emplace_back(job->id, now - kStart);
  }
  EXPECT_EQ(others, (std::vector<std::pair<std::uint64_t, Duration>>{{2, 1200ms}, {1, 2200ms}}));
}

TEST(FairQueueTest, IsBounded) {
  FairQueue queue({.jobs = 3, .jobs_per_tenant = 2});
  push(queue, "a", 1);
  push(queue, "a", 2);
  EXPECT_FALSE(queue.push(kStart, {3, "a", Priority::kNormal, 10}));
  push(queue, "b", 1);
  EXPECT_FALSE(queue.push(kStart, {1, "c", Priority::kNormal, 10}));
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(served(queue), "a1 a2 b1 ");
  push(queue, "c", 1);
}

TEST(FairQueueTest, AJobIsNotGivenOutAfterItsDeadline) {
  FairQueue queue({.jobs = 2});
  EXPECT_EQ(queue.wake(), kNever);
  ASSERT_TRUE(queue.push(kStart, {1, "a", Priority::kNormal, 10, kStart + 5s}));
  ASSERT_TRUE(queue.push(kStart, {2, "a", Priority::kNormal, 10, kStart + 3s}));
  EXPECT_EQ(queue.wake(), kStart + 3s);
  EXPECT_TRUE(queue.take_expired(kStart + 2s).empty());
  EXPECT_EQ(queue.pop(kStart + 4s)->id, 1U);
  EXPECT_EQ(queue.pop(kStart + 4s), std::nullopt);
  EXPECT_EQ(queue.size(), 1U);
  const std::vector<Job> expired = queue.take_expired(kStart + 4s);
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].id, 2U);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(FairQueueTest, AHugeCostIsServedInTheEnd) {
  FairQueue queue({.quantum = 1});
  push(queue, "a", 1, ~std::uint64_t{0});
  push(queue, "b", 1, 1);
  EXPECT_EQ(served(queue), "b1 a1 ");
}

/// Tenants that flood, dribble and come with deadlines.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        options_{.jobs = 20 + random_.below(300),
                 .jobs_per_tenant = 5 + random_.below(100),
                 .quantum = 1 + random_.below(500),
                 .patience = 1ms + random_.up_to(200ms)},
        queue_(options_),
        tenants_(1 + random_.below(6)),
        load_(random_.below(10)) {}

  void run(std::size_t events) {
    for (std::size_t i = 0; i < events && !testing::Test::HasFailure(); ++i) {
      now_ += random_.up_to(kTick);
      if (random_.below(11) <= load_) {
        push(i);
      } else {
        pop();
      }
      if (random_.below(16) == 0) collect();
      EXPECT_EQ(queue_.size(), waiting_.size());
    }
    while (!waiting_.empty() && !testing::Test::HasFailure()) {
      collect();
      pop();
    }
    collect();
    EXPECT_EQ(queue_.size(), 0U) << "jobs were lost";
  }

 private:
  static constexpr Duration kTick = 2ms;
  static constexpr std::uint64_t kMostCost = 400;
  using Line = std::pair<std::size_t, std::string>;  // class and tenant

  void push(std::uint64_t id) {
    Job job{id, std::string(1, static_cast<char>('a' + random_.below(tenants_))),
            static_cast<Priority>(random_.below(kPriorities)), 1 + random_.below(kMostCost)};
    if (random_.below(8) == 0) job.deadline = now_ + random_.up_to(500ms);
    const std::size_t in = static_cast<std::size_t>(job.priority);
    const Line line{in, job.tenant};
    const bool fits = waiting_.size() < options_.jobs && in_line_[line] < options_.jobs_per_tenant;
    ASSERT_EQ(queue_.push(now_, job), fits) << "bounds";
    if (!fits) return;
    if (in_class_[in]++ == 0) since_[in] = now_;
    if (in_line_[line]++ == 0) restart(in);
    waiting_.emplace(id, job);
    order_[line].insert(id);
  }

  /// Shares are compared as long as the same tenants wait.
  void restart(std::size_t in) { shares_[in].clear(); }

  void leave(const Job& job) {
    ASSERT_EQ(waiting_.erase(job.id), 1U) << "given out twice";
    const std::size_t in = static_cast<std::size_t>(job.priority);
    --in_class_[in];
    if (--in_line_[{in, job.tenant}] == 0) restart(in);
    order_[{in, job.tenant}].erase(job.id);
  }

  void collect() {
    for (const Job& job : queue_.take_expired(now_)) {
      EXPECT_LE(job.deadline, now_);
      leave(job);
    }
    EXPECT_GT(queue_.wake(), now_);
  }

  void pop() {
    collect();
    const auto job = queue_.pop(now_);
    EXPECT_EQ(job.has_value(), !waiting_.empty());
    longest_gap_ = std::max(longest_gap_, now_ - std::exchange(last_pop_, now_));
    if (!job) return;
    EXPECT_GT(job->deadline, now_);
    const std::size_t in = static_cast<std::size_t>(job->priority);
    EXPECT_EQ(*order_.at(Line(in, job->tenant)).begin(), job->id) << "overtaken by the same tenant";
    for (std::size_t i = 0; i < kPriorities; ++i) {
      if (in_class_[i] == 0 || i == in) continue;
      const Duration waited = now_ - since_[i], ours = now_ - since_[in];
      if (i < in) {
        EXPECT_GT(ours, options_.patience * static_cast<int>(in - i)) << "urgency";
      }
      EXPECT_LE(waited, options_.patience * static_cast<int>(i) + 4 * longest_gap_) << "starves";
    }
    since_[in] = now_;
    share(in, *job);
    leave(*job);
  }

  void share(std::size_t in, const Job& job) {
    auto& shares = shares_[in];
    if (shares.empty()) {
      for (const auto& [line, count] : in_line_) {
        if (line.first == in && count > 0) shares[line.second] = 0;
      }
    }
    shares[job.tenant] += job.cost;
    const auto [least, most] = std::minmax_element(
        shares.begin(), shares.end(), [](auto& a, auto& b) { return a.second < b.second; });
    EXPECT_LE(most->second - least->second, options_.quantum + 2 * kMostCost) << "unfair";
  }

  Random random_;
  FairQueueOptions options_;
  FairQueue queue_;
  std::uint64_t tenants_, load_;
  Time now_ = kStart, last_pop_ = kStart;
  Duration longest_gap_ = {};
  std::map<std::uint64_t, Job> waiting_;
  std::map<Line, std::set<std::uint64_t>> order_;
  std::map<Line, std::size_t> in_line_;
  std::array<std::size_t, kPriorities> in_class_ = {};
  std::array<Time, kPriorities> since_ = {};
  std::array<std::map<std::string, std::uint64_t>, kPriorities> shares_ = {};
};

TEST(FairQueueChecker, NobodyStarvesAndSharesAreEqual) {
  check_seeds([](std::uint64_t seed) { World(seed).run(kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
