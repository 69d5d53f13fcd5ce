#include "vecmill/policy/limiter.h"

#include <string>

#include "vecmill/base/wide.h"

namespace vecmill::policy {
namespace {

constexpr Duration kLongestPeriod = std::chrono::hours(24 * 31);

std::uint64_t nanoseconds(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}

Status check(const Limit& limit) {
  if (limit.count == 0 || limit.burst == 0) {
    return make_error(ErrorKind::kInvalidArgument, "a limit of 0 lets nothing through",
                      name(limit.unit), "leave the limit out for none");
  }
  if (limit.period < Duration(0) || limit.period > kLongestPeriod) {
    return make_error(ErrorKind::kInvalidArgument, "the period of a limit is at most 31 days",
                      name(limit.unit), "give the limit per day, hour or minute");
  }
  return {};
}

}  // namespace

const char* name(Unit unit) {
  constexpr std::array<const char*, kUnits> kNames = {"requests", "tokens", "metered units",
                                                      "inputs", "concurrency"};
  return kNames[static_cast<std::size_t>(unit)];
}

Limit token_bucket(Unit unit, std::uint64_t count, Duration period) {
  return {unit, count, period, count};
}

Limit sliding_window(Unit unit, std::uint64_t count, std::uint64_t burst, Duration period) {
  // A window holds one burst and what comes back until just before its end.
  burst = std::min(burst, count);
  return {unit, count - burst + 1, period, burst};
}

Limit concurrency(std::uint64_t count) { return {Unit::kConcurrency, count, Duration(0), count}; }

Duration Limiter::Bucket::time_for(std::uint64_t units) const {
  return Duration(scale_up(units, nanoseconds(limit.period), count));
}

Result<Limiter> Limiter::create(const std::vector<Limit>& limits) {
  for (const Limit& limit : limits) VECMILL_TRY(check(limit));
  return Limiter(limits);
}

Limiter::Limiter(const std::vector<Limit>& limits) {
  for (const Limit& limit : limits) {
    buckets_.push_back({limit, limit.count, limit.burst, {}, {}, {}});
    if (limit.ramp) buckets_.back().ramp.emplace();
  }
}

std::uint64_t Limiter::in_flight(std::size_t bucket) const {
  std::uint64_t units = 0;
  for (const Grant& grant : grants_) units += grant.settled ? 0 : grant.amounts[bucket];
  return units;
}

Time Limiter::ready(std::size_t bucket, std::uint64_t units) const {
  const Bucket& b = buckets_[bucket];
  if (b.is_rate()) return b.full - b.time_for(b.burst) + b.time_for(units);
  return in_flight(bucket) + units <= b.burst ? Time::min() : kNever;
}

Limiter::Answer Limiter::take(Time now, const Demand& demand) {
  Answer answer{.ask_again = hold_};
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const std::uint64_t units = demand[buckets_[i].limit.unit];
    if (buckets_[i].ramp) apply_count(now, buckets_[i]);
    if (units > buckets_[i].burst) return {Verdict::kTooLarge, 0, kNever, i};
    if (const Time at = ready(i, units); at > answer.ask_again) {
      answer.ask_again = at;
      answer.limit = i;
    }
  }
  if (answer.ask_again > now) {
    answer.verdict = Verdict::kLater;
    return answer;
  }
  Grant grant{next_++, now, {}, false};
  for (Bucket& b : buckets_) {
    const std::uint64_t units = demand[b.limit.unit];
    grant.amounts.push_back(units);
    b.full = std::max(b.full, now) + b.time_for(units);
    if (b.ramp) b.ramp->use(units);
  }
  answer.grant = grant.id;
  grants_.push_back(std::move(grant));
  return answer;
}

bool Limiter::settle(GrantId id, const Demand& used) {
  const auto grant = std::lower_bound(grants_.begin(), grants_.end(), id,
                                      [](const Grant& g, GrantId i) { return g.id < i; });
  if (grant == grants_.end() || grant->id != id || grant->settled) return false;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    // A provider that says more than it ever gives at once is wrong.
    grant->amounts[i] = std::min(used[buckets_[i].limit.unit], buckets_[i].burst);
  }
  grant->settled = true;
  replay();
  return true;
}

/// The buckets as they would be, had each request taken what is now known of it.
void Limiter::replay() {
  while (!grants_.empty() && grants_.front().settled) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      Bucket& b = buckets_[i];
      b.settled_full =
          std::max(b.settled_full, grants_.front().at) + b.time_for(grants_.front().amounts[i]);
    }
    grants_.pop_front();
  }
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    Bucket& b = buckets_[i];
    b.full = b.settled_full;
    for (const Grant& grant : grants_) {
      b.full = std::max(b.full, grant.at) + b.time_for(grant.amounts[i]);
    }
  }
}

void Limiter::observe(Time now, std::size_t limit, std::uint64_t remaining, Duration reset) {
  Bucket& b = buckets_[limit];
  if (!b.is_rate() || remaining >= b.burst) return;
  // The reply may have left before the requests that are now in flight arrived.
  const std::uint64_t flying = std::min(in_flight(limit), remaining);
  const Duration full = std::max(b.time_for(b.burst - remaining + flying),
                                 std::clamp(reset, Duration(0), b.limit.period));
  if (now + full <= b.full) return;
  // Somebody else has used the difference.
  Grant others{next_++, now, std::vector<std::uint64_t>(buckets_.size()), true};
  others.amounts[limit] = scale_up(nanoseconds(now + full - std::max(b.full, now)), b.count,
                                   nanoseconds(b.limit.period));
  grants_.push_back(std::move(others));
  replay();
}

void Limiter::set_count(Time now, std::size_t limit, std::uint64_t count) {
  // Below this the time of a burst would not fit.
  buckets_[limit].limit.count = std::max(count, buckets_[limit].limit.burst / 1000 + 1);
  apply_count(now, buckets_[limit]);
}

void Limiter::apply_count(Time now, Bucket& bucket) {
  std::uint64_t count = bucket.limit.count;
  if (bucket.ramp) {
    count = std::min(count, bucket.ramp->allowed(now));
    bucket.burst = std::min(bucket.limit.burst, count);
  }
  if (count == bucket.count) return;
  const Time since = grants_.empty() ? now : grants_.front().at;
  const Duration debt = std::max(bucket.settled_full - since, Duration(0));
  bucket.settled_full = since + Duration(scale_up(nanoseconds(debt), bucket.count, count));
  bucket.count = count;
  replay();
}

std::uint64_t Limiter::available(Time now, std::size_t limit) const {
  const Bucket& b = buckets_[limit];
  if (!b.is_rate()) return b.burst - in_flight(limit);
  const Duration room = b.time_for(b.burst) - std::max(b.full - now, Duration(0));
  return scale_down(nanoseconds(std::max(room, Duration(0))), b.count, nanoseconds(b.limit.period));
}

}  // namespace vecmill::policy
