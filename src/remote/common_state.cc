#include "vecmill/remote/common_state.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/policy/retry.h"

namespace vecmill::remote {
namespace {

using policy::Demand;
using policy::Duration;
using policy::Limit;
using policy::Limiter;
using policy::Outcome;
using policy::Time;
using std::chrono::microseconds;

constexpr std::size_t kRates = 4;  // units before concurrency
static_assert(static_cast<std::size_t>(policy::Unit::kConcurrency) == kRates);
/// Sooner there is no use in asking again.
constexpr microseconds kShortest{1000};

std::string micros(Duration time) {
  return std::to_string(std::chrono::ceil<microseconds>(time).count());
}

std::vector<Limit> rates_among(std::vector<Limit> limits) {
  std::erase_if(limits, [](const Limit& limit) { return limit.period == Duration(0); });
  return limits;
}

std::string json_of(const std::vector<Limit>& limits) {
  std::string json;
  for (const Limit& limit : limits) {
    json += json.empty() ? "[" : ",[";
    json += std::to_string(static_cast<std::size_t>(limit.unit) + 1) + "," +
            std::to_string(limit.count) + "," + micros(limit.period) + "," +
            std::to_string(limit.burst) + "]";
  }
  return "[" + json + "]";
}

Duration wait_of(std::uint64_t wait) {
  constexpr std::uint64_t kLongest = std::uint64_t{31} * 24 * 3600 * 1'000'000;
  return std::max(kShortest, microseconds(std::min(wait, kLongest)));
}

}  // namespace

std::vector<Limit> share_of(const std::vector<Limit>& limits, std::uint64_t workers) {
  std::vector<Limit> shares = rates_among(limits);
  for (Limit& limit : shares) {
    // A period holds a burst and what comes back. Requests are as large as a burst, so that it is
    // split only where it is most of the limit.
    const std::uint64_t whole = limit.count + limit.burst;
    const std::uint64_t fair = std::max<std::uint64_t>(limit.count / workers, 1);
    if (whole / workers > limit.burst) {
      limit.count = std::max(whole / workers - limit.burst, fair / 2 + 1);
    } else {
      limit.count = fair;
      limit.burst = std::max<std::uint64_t>(limit.burst / workers, 1);
    }
  }
  return shares;
}

CommonState::CommonState(std::unique_ptr<StateServer> server, CommonStateOptions options)
    : server_(std::move(server)), options_(std::move(options)) {
  options_.limits = rates_among(options_.limits);
  limits_json_ = json_of(options_.limits);
}

std::string CommonState::arguments(const char* op, const Demand& amounts) {
  std::string json = R"({"op":")" + std::string(op) + R"(","now":)" + std::to_string(clock());
  json += R"(,"worker":")" + options_.worker + R"(","limits":)" + limits_json_ + R"(,"amounts":[)";
  for (std::size_t unit = 0; unit < kRates; ++unit) {
    json += (unit > 0 ? "," : "") + std::to_string(amounts.amounts[unit]);
  }
  const std::lock_guard lock(mutex_);
  return json + R"(],"born":)" + std::to_string(born_) + R"(,"expect":)" + std::to_string(expect_);
}

Result<CommonState::Taken> CommonState::limiter(const std::string& arguments) {
  VECMILL_ASSIGN(const auto found, server_->limiter(arguments));
  const std::lock_guard lock(mutex_);
  born_ = found[3];
  expect_ = found[4];
  stats_.workers = std::max<std::uint64_t>(found[5], 1);
  return Taken{found[0], found[1], found[3], wait_of(found[2])};
}

Result<CommonState::Pass> CommonState::breaker(const char* op, std::uint64_t era) {
  const policy::BreakerOptions& options = options_.breaker;
  const std::string question =
      R"({"op":")" + std::string(op) + R"(","now":)" + std::to_string(clock()) + R"(,"era":)" +
      std::to_string(era) + R"(,"failures":)" + std::to_string(options.failures) + R"(,"probes":)" +
      std::to_string(options.probes) + R"(,"open_for":)" + micros(options.open_for) + "}";
  VECMILL_ASSIGN(const auto found, server_->breaker(question));
  return Pass{found[0] == 1, found[1], wait_of(found[2])};
}

SharedState::Answer CommonState::keep(const Grant& grant) {
  const std::lock_guard lock(mutex_);
  ++stats_.admitted;
  open_.emplace(next_, grant);
  return {.ticket = next_++};
}

std::optional<CommonState::Grant> CommonState::find(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto node = open_.extract(ticket);
  return node.empty() ? std::nullopt : std::optional(node.mapped());
}

SharedState::Answer CommonState::admit(Time now, const Demand& demand) {
  const auto taken = limiter(arguments("take", demand) + R"(,"id":0,"of":0,"hold":0})");
  if (!taken) return admit_alone(now, demand, taken.error());
  {
    const std::lock_guard lock(mutex_);
    share_.reset();
  }
  if (taken->verdict == 1) return {.ask_again = taken->wait};
  Grant grant;
  grant.demand = demand;
  // What is too large for limits that others set smaller is left to those of this process.
  if (taken->verdict == 0) {
    grant.id = taken->id;
    grant.born = taken->born;
  }
  return admit_past_breaker(now, grant);
}

SharedState::Answer CommonState::admit_past_breaker(Time now, Grant grant) {
  const auto pass = breaker("admit", 0);
  bool believed = true;
  if (pass) {
    const std::lock_guard lock(mutex_);
    if (pass->granted) {
      refused_since_.reset();
    } else if (!refused_since_) {
      refused_since_ = now;
    }
    // What others say for long is looked at for oneself: then this process fails as it would alone.
    believed = pass->granted || now - *refused_since_ < options_.belief * options_.breaker.open_for;
    if (!believed) refused_since_ = now;
  }
  if (pass && !pass->granted && believed) {
    give_back(grant, {}, {});
    return {.ask_again = pass->wait};
  }
  if (pass && pass->granted) grant.era = pass->era;
  return keep(grant);
}

SharedState::Answer CommonState::admit_alone(Time now, const Demand& demand, const Error& failure) {
  Grant grant;
  grant.demand = demand;
  std::unique_lock lock(mutex_);
  stats_.failure = failure;
  const std::vector<Limit> limits = share_of(options_.limits, stats_.workers);
  if (!share_) {
    auto share = Limiter::create(limits);
    VECMILL_CHECK(share.has_value());
    share_ = *std::move(share);
    Demand all;  // what a bucket holds may just have been used by the others
    for (const Limit& limit : limits) all[limit.unit] = limit.burst;
    (void)share_->settle(share_->take(now, all).grant, all);
  }
  Demand clipped = demand;
  for (const Limit& limit : limits) {
    clipped[limit.unit] = std::min(demand[limit.unit], limit.burst);
  }
  const Limiter::Answer answer = share_->take(now, clipped);
  if (answer.verdict != Limiter::Verdict::kGranted) {
    return {.ask_again = std::max<Duration>(answer.ask_again - now, kShortest)};
  }
  grant.share = answer.grant;
  grant.demand = clipped;
  ++stats_.alone;
  lock.unlock();
  return keep(grant);
}

/// A server that cannot be told counts the grant as used.
void CommonState::give_back(const Grant& grant, const Demand& used, Duration hold) {
  if (grant.share) {
    const std::lock_guard lock(mutex_);
    if (share_) share_->settle(*grant.share, used);
  }
  if (grant.id == 0) return;
  (void)limiter(arguments("settle", used) + R"(,"id":)" + std::to_string(grant.id) + R"(,"of":)" +
                std::to_string(grant.born) + R"(,"hold":)" + micros(hold) + "}");
}

void CommonState::settle(Ticket ticket, const End& end) {
  const auto grant = find(ticket);
  if (!grant) return;
  Demand used = grant->demand;
  if (end.tokens > 0) used[policy::Unit::kTokens] = end.tokens;
  const Duration hold =
      end.outcome == Outcome::kThrottled ? end.retry_after.value_or(Duration(0)) : Duration(0);
  give_back(*grant, used, std::min(hold, policy::RetryOptions().hint_cap));
  if (!grant->era) return;
  const bool slow = end.outcome == Outcome::kSuccess && end.took > options_.breaker.slow;
  const char* op = "answered";
  if (end.outcome == Outcome::kTransient || slow) {
    op = "failed";
  } else if (end.outcome == Outcome::kSuccess) {
    op = "worked";
  }
  (void)breaker(op, *grant->era);
}

void CommonState::cancel(Ticket ticket) {
  const auto grant = find(ticket);
  if (!grant) return;
  give_back(*grant, {}, {});
  if (grant->era) (void)breaker("cancelled", *grant->era);
}

SharedState::Stats CommonState::stats() {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace vecmill::remote
