#pragma once

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "vecmill/queue/model_queue.h"

namespace vecmill::queue {

/// Sends the same random calls to the queue and to the model; all answers must be equal.
class Twin {
 public:
  Twin(Queue& queue, std::uint64_t seed) : queue_(queue), random_(seed) {}

  void step() {
    now_ += Duration(below(4) == 0 ? below(40'000) : below(2'000));
    switch (below(13)) {
      case 0:
      case 1:
      case 2: return submit();
      case 3:
      case 4: return claim();
      case 5:
      case 6: return both([&](Queue& q) { return q.complete(some_leases(), now_); });
      case 7: return fail();
      case 8:
        return both(
            [&](Queue& q) { return q.extend(some_leases(), now_, now_ + Duration(20'000)); });
      case 9: return both([&](Queue& q) { return q.release(some_leases(), now_); });
      case 10: return operate();
      case 11: return replace();
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

  std::vector<NewJob> some_jobs() {
    std::vector<NewJob> jobs(1 + below(6));
    for (NewJob& job : jobs) {
      job.payload = "p" + std::to_string(below(1'000'000));
      job.priority = static_cast<Priority>(below(4));
      job.due = now_ + Duration(below(3) == 0 ? below(60'000) : 0);
      job.group = below(2) == 0 ? "g" : "h";
      if (below(3) == 0) job.key = "k" + std::to_string(below(20));
      job.attempts = static_cast<std::uint32_t>(1 + below(3));
    }
    return jobs;
  }

  void submit() {
    both([&](Queue& q) { return q.submit(some_jobs(), now_); });
  }

  void replace() {
    if (leases_.empty()) return;
    const Lease lease = leases_[below(leases_.size())];
    both([&](Queue& q) { return q.replace(lease, some_jobs(), now_); });
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
      ASSERT_EQ(std::tie(a.payload, a.group, a.priority, a.failures, a.crashes, a.attempts),
                std::tie(b.payload, b.group, b.priority, b.failures, b.crashes, b.attempts));
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
      case 1: return both([&](Queue& q) { return q.purge(which, now_ - Duration(10'000)); });
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
  Time now_ = Time(Duration(1'800'000'000'000));
  std::vector<Lease> leases_;
  std::uint64_t last_token_ = 0;
};

}  // namespace vecmill::queue
