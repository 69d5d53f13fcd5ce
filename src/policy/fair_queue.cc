#include "vecmill/policy/fair_queue.h"

#include <algorithm>

namespace vecmill::policy {

FairQueue::FairQueue(const FairQueueOptions& options) : options_(options) {
  options_.jobs_per_tenant = std::max(options.jobs_per_tenant, std::size_t{1});
}

/// Bounds the rounds that a turn can take to come to a job.
std::uint64_t FairQueue::charge(const Job& job) const {
  constexpr std::uint64_t kMostQuanta = 1'000;
  return std::min(job.cost, kMostQuanta * options_.quantum);
}

bool FairQueue::push(Time now, Job job) {
  if (size() >= options_.jobs) return false;
  Class& in = classes_[static_cast<std::size_t>(job.priority)];
  if (in.ring.empty()) in.waiting_since = now;
  const auto [entry, is_new] = in.tenants.try_emplace(job.tenant);
  if (is_new) entry->second = in.ring.insert(in.ring.end(), {job.tenant});
  const Ring::iterator tenant = entry->second;
  if (tenant->jobs.size() >= options_.jobs_per_tenant) return false;
  const auto place = tenant->jobs.insert(tenant->jobs.end(), {std::move(job), next_number_++});
  due_.emplace(std::make_pair(place->job.deadline, place->number), Place{&in, tenant, place});
  return true;
}

Job FairQueue::remove(Place place) {
  Job job = std::move(place.job->job);
  due_.erase({job.deadline, place.job->number});
  place.tenant->jobs.erase(place.job);
  if (place.tenant->jobs.empty()) {
    place.in->tenants.erase(place.tenant->name);
    place.in->ring.erase(place.tenant);
  }
  return job;
}

void FairQueue::expire(Time now) {
  while (wake() <= now) expired_.push_back(remove(due_.begin()->second));
}

std::vector<Job> FairQueue::take_expired(Time now) {
  expire(now);
  return std::exchange(expired_, {});
}

/// The most urgent, where each patience of waiting makes a class as urgent as the one above it.
FairQueue::Class* FairQueue::next_class(Time now) {
  Class* next = nullptr;
  Duration least = Duration::max();
  Duration handicap = {};
  for (Class& c : classes_) {
    const Duration rank = handicap - (now - c.waiting_since);
    handicap += options_.patience;
    if (c.ring.empty() || rank >= least) continue;
    least = rank;
    next = &c;
  }
  return next;
}

std::optional<Job> FairQueue::pop(Time now) {
  expire(now);
  Class* const in = next_class(now);
  if (in == nullptr) return std::nullopt;
  in->waiting_since = now;
  while (true) {
    const Ring::iterator tenant = in->ring.begin();
    if (!tenant->has_turn) tenant->credit += options_.quantum;
    tenant->has_turn = true;
    const std::uint64_t cost = charge(tenant->jobs.front().job);
    if (cost <= tenant->credit) {
      tenant->credit -= cost;
      return remove({in, tenant, tenant->jobs.begin()});
    }
    tenant->has_turn = false;
    in->ring.splice(in->ring.end(), in->ring, tenant);
  }
}

}  // namespace vecmill::policy
