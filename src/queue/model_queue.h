#pragma once

#include <algorithm>
#include <map>

#include "vecmill/queue/queue.h"

namespace vecmill::queue {

/// What a queue promises, in the plainest way: every call looks at every job. The backends must do
/// exactly as it does.
class ModelQueue : public Queue {
 public:
  Time shown = {};  ///< by its clock

  Result<Time> clock() override { return shown; }

  Result<std::vector<JobId>> submit(std::span<const NewJob> jobs, Time now) override {
    std::vector<JobId> ids;
    for (const NewJob& job : jobs) ids.push_back(add(job, now));
    return ids;
  }

  Result<std::vector<Claimed>> claim(const ClaimOptions& options, Time now) override {
    for (auto& [id, job] : jobs_) tick(job, now);
    std::vector<JobInfo*> waiting;
    for (auto& [id, job] : jobs_) {
      if (job.state == State::kWaiting) waiting.push_back(&job);
    }
    std::stable_sort(waiting.begin(), waiting.end(),
                     [](const JobInfo* a, const JobInfo* b) { return rank(*a) < rank(*b); });
    // The lookout is as long as the claim: behind suspects there may be fewer than asked for.
    if (waiting.size() > options.count) waiting.resize(options.count);
    std::vector<Claimed> claimed;
    if (waiting.empty()) return claimed;
    const std::uint64_t token = ++token_;
    const bool alone = waiting.front()->crashes > 0;
    for (JobInfo* job : waiting) {
      if (alone ? !claimed.empty() : job->crashes > 0) continue;
      job->state = State::kLeased;
      job->lease_ends = now + options.lease;
      job->worker = options.worker;
      tokens_[job->id] = token;
      claimed.push_back({{job->id, ++job->claims, token},
                         job->payload,
                         job->group,
                         job->priority,
                         job->failures,
                         job->crashes,
                         job->attempts});
    }
    return claimed;
  }

  Result<std::optional<Time>> wake() override {
    std::optional<Time> first;
    for (const auto& [id, job] : jobs_) {
      std::optional<Time> when;
      if (job.state == State::kWaiting || job.state == State::kDelayed) when = job.due;
      if (job.state == State::kLeased) when = job.lease_ends;
      if (when && (!first || *when < *first)) first = when;
    }
    return first;
  }

  Result<std::vector<bool>> extend(std::span<const Lease> leases, Time now, Time until) override {
    return each(leases, now, [&](JobInfo& job) { job.lease_ends = until; });
  }
  Result<std::vector<bool>> complete(std::span<const Lease> leases, Time now) override {
    return each(leases, now, [&](JobInfo& job) { end(job, State::kDone, now); });
  }
  Result<std::vector<bool>> release(std::span<const Lease> leases, Time now) override {
    return each(leases, now, [](JobInfo& job) { job.state = State::kWaiting; });
  }

  Result<std::vector<bool>> fail(std::span<const Failure> failures, Time now) override {
    std::vector<bool> good;
    for (const Failure& failure : failures) {
      JobInfo* job = held(failure.lease, now);
      good.push_back(job != nullptr);
      if (job == nullptr) continue;
      job->cause = failure.cause;
      job->message = failure.message;
      if (++job->failures < job->attempts && failure.retry_at) {
        job->state = State::kDelayed;
        job->due = *failure.retry_at;
      } else {
        end(*job, State::kDead, now);
      }
    }
    return good;
  }

  Result<bool> replace(const Lease& lease, std::span<const NewJob> parts, Time now) override {
    JobInfo* job = held(lease, now);
    if (job == nullptr) return false;
    end(*job, State::kDone, now);
    for (const NewJob& part : parts) add(part, now);
    return true;
  }

  Result<std::uint64_t> cancel(const JobFilter& which, Time now) override {
    return change(which, [&](JobInfo& job) {
      if (job.state >= State::kDone) return false;
      end(job, State::kCancelled, now);
      return true;
    });
  }

  Result<std::uint64_t> redrive(const JobFilter& which, Time now, const Edit& edit) override {
    return change(which, [&](JobInfo& job) {
      if (job.state != State::kDead) return false;
      if (open_with_key(job.key) != nullptr) return false;
      if (edit) job.payload = edit(job.payload);
      job.state = State::kWaiting;
      job.failures = job.crashes = 0;
      job.due = now;
      return true;
    });
  }

  Result<std::uint64_t> purge(const JobFilter& which, Time before) override {
    return std::erase_if(jobs_, [&](const auto& entry) {
      const JobInfo& job = entry.second;
      return matches(which, job) && job.state >= State::kDone && job.ended < before;
    });
  }

  Result<std::vector<JobInfo>> list(const JobFilter& which, std::size_t limit) override {
    std::vector<JobInfo> found;
    for (const auto& [id, job] : jobs_) {
      if (matches(which, job) && found.size() < limit) found.push_back(job);
    }
    return found;
  }

  Result<std::vector<Count>> count() override {
    std::map<std::pair<std::string, State>, std::uint64_t> counts;
    for (const auto& [id, job] : jobs_) ++counts[{job.group, job.state}];
    std::vector<Count> all;
    for (const auto& [key, jobs] : counts) all.push_back({key.first, key.second, jobs});
    return all;
  }

  Result<std::vector<DeadCount>> dead() override {
    std::map<std::string, DeadCount> counts;
    for (const auto& [id, job] : jobs_) {
      if (job.state != State::kDead) continue;
      auto [it, is_new] = counts.try_emplace(job.cause, DeadCount{job.cause, 0, job.ended, {}});
      ++it->second.jobs;
      it->second.first = std::min(it->second.first, job.ended);
      it->second.last = std::max(it->second.last, job.ended);
    }
    std::vector<DeadCount> all;
    for (const auto& [cause, count] : counts) all.push_back(count);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.jobs > b.jobs; });
    return all;
  }

 private:
  static Time rank(const JobInfo& job) {
    return job.due + kHeadStart * (3 - static_cast<int>(job.priority));
  }

  static void end(JobInfo& job, State state, Time now) {
    job.state = state;
    job.ended = now;
  }

  static void tick(JobInfo& job, Time now) {
    if (job.state == State::kDelayed && job.due <= now) job.state = State::kWaiting;
    if (job.state != State::kLeased || job.lease_ends > now) return;
    job.state = State::kWaiting;
    if (++job.crashes < kCrashes) return;
    job.cause = kWorkerDied;
    job.message = "its worker ended or stood still 3 times";
    end(job, State::kDead, now);
  }

  JobInfo* open_with_key(const std::string& key) {
    for (auto& [id, job] : jobs_) {
      if (!key.empty() && job.key == key && job.state < State::kDone) return &job;
    }
    return nullptr;
  }

  JobId add(const NewJob& job, Time now) {
    if (const JobInfo* known = open_with_key(job.key)) return known->id;
    JobInfo info;
    info.id = ++last_id_;
    info.state = job.due <= now ? State::kWaiting : State::kDelayed;
    info.priority = job.priority;
    info.group = job.group;
    info.key = job.key;
    info.payload = job.payload;
    info.attempts = job.attempts;
    info.made = now;
    info.due = job.due;
    jobs_.emplace(info.id, info);
    return info.id;
  }

  JobInfo* held(const Lease& lease, Time now) {
    const auto it = jobs_.find(lease.job);
    const bool good = it != jobs_.end() && it->second.state == State::kLeased &&
                      tokens_[lease.job] == lease.token && it->second.lease_ends > now;
    return good ? &it->second : nullptr;
  }

  template <typename Do>
  std::vector<bool> each(std::span<const Lease> leases, Time now, Do what) {
    std::vector<bool> good;
    for (const Lease& lease : leases) {
      JobInfo* job = held(lease, now);
      good.push_back(job != nullptr);
      if (job != nullptr) what(*job);
    }
    return good;
  }

  static bool matches(const JobFilter& which, const JobInfo& job) {
    return (which.ids.empty() || std::ranges::count(which.ids, job.id) > 0) &&
           (which.group.empty() || which.group == job.group) &&
           (which.cause.empty() || which.cause == job.cause) &&
           (!which.state || *which.state == job.state) && job.id > which.after;
  }

  template <typename Do>
  std::uint64_t change(const JobFilter& which, Do what) {
    std::uint64_t changed = 0;
    for (auto& [id, job] : jobs_) {
      if (matches(which, job) && what(job)) ++changed;
    }
    return changed;
  }

  std::map<JobId, JobInfo> jobs_;
  std::map<JobId, std::uint64_t> tokens_;
  JobId last_id_ = 0;
  std::uint64_t token_ = 0;
};

}  // namespace vecmill::queue
