#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

#include "vecmill/base/wide.h"
#include "vecmill/policy/checker.h"
#include "vecmill/policy/limiter.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;
using Verdict = Limiter::Verdict;

struct Sent {
  Time at;
  Demand used;
};

/// A provider that keeps every request of the last period: nothing here is a bucket.
class SlidingLog {
 public:
  SlidingLog(Unit unit, std::uint64_t count, Duration period)
      : unit_(unit), count_(count), period_(period) {}

  [[nodiscard]] bool accepts(const Sent& sent) {
    while (!log_.empty() && log_.front().at <= sent.at - period_) {
      sum_ -= log_.front().used[unit_];
      log_.pop_front();
    }
    if (sum_ + sent.used[unit_] > count_) return false;
    sum_ += sent.used[unit_];
    log_.push_back(sent);
    return true;
  }

 private:
  Unit unit_;
  std::uint64_t count_, sum_ = 0;
  Duration period_;
  std::deque<Sent> log_;
};

/// A provider with a bucket: its level in units times the period, so that nothing is rounded. To
/// follow it is the same as to keep the bound of every window.
class LeakyLevel {
 public:
  explicit LeakyLevel(const Limit& limit) : limit_(limit), level_(full()) {}

  [[nodiscard]] bool accepts(const Sent& sent) {
    const Wide back = Wide(static_cast<std::uint64_t>((sent.at - last_).count())) * limit_.count;
    level_ = std::min(full(), level_ + back);
    last_ = sent.at;
    const Wide cost = Wide(sent.used[limit_.unit]) * period();
    if (cost > level_ + limit_.count) return false;  // a nanosecond for our rounding
    level_ -= std::min(cost, level_);
    return true;
  }

 private:
  [[nodiscard]] Wide period() const { return static_cast<std::uint64_t>(limit_.period.count()); }
  [[nodiscard]] Wide full() const { return period() * limit_.burst; }

  Limit limit_;
  Wide level_;
  Time last_ = {};
};

/// One client that keeps asking, replies that come late and report less than was reserved.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        scarce_(random_.below(2) == 0 ? 10 : 1'000),
        tokens_(1'000 + random_.below(200'000)),
        burst_(100 + random_.below(tokens_ / 2)),
        requests_(1 + random_.below(120)),
        request_burst_(1 + random_.below(requests_)),
        limiter_(*Limiter::create({sliding_window(Unit::kRequests, requests_, request_burst_, 1min),
                                   token_bucket(Unit::kInputs, 4 * requests_, 1min),
                                   {Unit::kTokens, tokens_, 1min, burst_},
                                   concurrency(1 + random_.below(6))})),
        request_log_(Unit::kRequests, requests_, 1min),
        inputs_({Unit::kInputs, 4 * requests_, 1min, 4 * requests_}),
        tokens_level_({Unit::kTokens, tokens_, 1min, burst_}) {}

  void run(std::size_t events) {
    while (events_ < events && !testing::Test::HasFailure()) {
      const Demand demand = new_demand();
      ask(demand);
      if (random_.below(8) == 0) now_ += random_.up_to(20s);
    }
    while (!flying_.empty()) settle_first();
    EXPECT_LE(asks_without_grant_, granted_ + settled_) << "polls";
    EXPECT_TRUE(unsettled_.empty());
  }

 private:
  Demand new_demand() {
    Demand d;
    d[Unit::kRequests] = 1;
    d[Unit::kInputs] = random_.below(4) + 1;
    d[Unit::kTokens] = random_.below(burst_) / (1 + random_.below(scarce_)) + 1;
    d[Unit::kConcurrency] = 1;
    return d;
  }

  std::array<std::uint64_t, 4> available() const {
    return {limiter_.available(now_, 0), limiter_.available(now_, 1), limiter_.available(now_, 2),
            limiter_.available(now_, 3)};
  }

  void ask(const Demand& demand) {
    bool undisturbed = false;  // nothing happened since the limiter named this moment
    while (!testing::Test::HasFailure()) {
      const auto before = available();
      const Limiter::Answer answer = limiter_.take(now_, demand);
      ++events_;
      if (answer.verdict == Verdict::kGranted) return granted(answer, demand);
      ASSERT_EQ(answer.verdict, Verdict::kLater);
      ++asks_without_grant_;
      EXPECT_EQ(available(), before) << "a refusal consumed something";
      EXPECT_FALSE(undisturbed) << "not granted at the moment it named";
      EXPECT_GT(answer.ask_again, now_);
      undisturbed = flying_.empty() || answer.ask_again <= flying_.begin()->first;
      if (undisturbed) {
        now_ = answer.ask_again - 1ns;
        EXPECT_EQ(limiter_.take(now_, demand).verdict, Verdict::kLater)
            << "named too late a moment";
        now_ += 1ns;
      } else {
        settle_first();
      }
    }
  }

  void granted(const Limiter::Answer& answer, const Demand& demand) {
    EXPECT_GT(answer.grant, last_grant_);
    EXPECT_GE(now_, held_) << "granted during a pause";
    last_grant_ = answer.grant;
    ++granted_;
    flying_.emplace(now_ + random_.up_to(5s), answer.grant);
    unsettled_.emplace(answer.grant, Sent{now_, demand});
  }

  void settle_first() {
    const auto [at, id] = *flying_.begin();
    flying_.erase(flying_.begin());
    now_ = std::max(now_, at);
    Sent& sent = unsettled_.at(id);
    const std::uint64_t reserved = sent.used[Unit::kTokens];
    sent.used[Unit::kTokens] = reserved - random_.below(reserved + 1) / (1 + random_.below(10));
    if (random_.below(10) == 0) sent.used = {};  // it was not sent at all
    EXPECT_TRUE(limiter_.settle(id, sent.used));
    EXPECT_FALSE(limiter_.settle(id, {})) << "settled twice";
    ++settled_;
    ++events_;
    change_limits();
    done_.insert(unsettled_.extract(id));
    // The providers see the requests in the order in which they were sent.
    while (!done_.empty() &&
           (unsettled_.empty() || done_.begin()->first < unsettled_.begin()->first)) {
      const Sent& next = done_.begin()->second;
      EXPECT_TRUE(request_log_.accepts(next)) << "requests of a window";
      EXPECT_TRUE(inputs_.accepts(next)) << "inputs";
      EXPECT_TRUE(tokens_level_.accepts(next)) << "tokens";
      done_.erase(done_.begin());
    }
  }

  /// What a reply can bring: rate headers, a 429 that asks for a pause, a rate found by trying.
  void change_limits() {
    const std::size_t limit = random_.below(3);
    const std::uint64_t before = limiter_.available(now_, limit), remaining = random_.below(burst_);
    switch (random_.below(100)) {
      case 0:
        limiter_.observe(now_, limit, remaining, random_.up_to(90s));
        EXPECT_LE(limiter_.available(now_, limit), std::min(before, remaining)) << "headers";
        break;
      case 1: limiter_.set_count(now_, 2, 1 + random_.below(tokens_)); break;
      case 2:
        held_ = std::max(held_, now_ + random_.up_to(10s));
        limiter_.hold(held_);
        break;
      default: break;
    }
  }

  Random random_;
  std::uint64_t scarce_;  // how seldom tokens are what is waited for
  std::uint64_t tokens_, burst_, requests_, request_burst_;
  Limiter limiter_;
  SlidingLog request_log_;
  LeakyLevel inputs_, tokens_level_;

  Time now_{1h}, held_ = now_;
  std::multimap<Time, Limiter::GrantId> flying_;
  std::map<Limiter::GrantId, Sent> unsettled_, done_;
  Limiter::GrantId last_grant_ = 0;
  std::size_t events_ = 0, granted_ = 0, settled_ = 0, asks_without_grant_ = 0;
};

TEST(LimiterChecker, WindowsHoldRefusalsAreFreeAndNobodyPolls) {
  check_seeds([](std::uint64_t seed) { World(seed).run(kCheckedEvents / kSeeds); });
}

/// Ten minutes of work for a provider with 300 requests and 1,000,000 tokens in any minute.
struct TenMinutes {
  std::uint64_t requests = 0, tokens = 0, refused = 0;
};

TenMinutes ten_minutes(std::uint64_t batch_tokens, std::uint64_t seed) {
  constexpr std::uint64_t kRequests = 300, kTokens = 1'000'000;
  constexpr Duration kLatency = 400ms, kJitter = 100ms;
  // A minute of theirs can hold what we send in a minute and the jitter: hence 1 %.
  Limiter limiter = *Limiter::create(
      {sliding_window(Unit::kRequests, kRequests * 99 / 100, 2, 1min),
       sliding_window(Unit::kTokens, kTokens * 99 / 100, batch_tokens + batch_tokens / 4, 1min),
       concurrency(8)});
  SlidingLog requests(Unit::kRequests, kRequests, 1min), tokens(Unit::kTokens, kTokens, 1min);
  Random random(seed);
  TenMinutes sum;
  std::multimap<Time, Sent> arriving;
  std::multimap<Time, std::pair<Limiter::GrantId, Demand>> replies;
  const Time start{1h};
  for (Time now = start; now < start + 10min;) {
    Demand used;
    used[Unit::kRequests] = 1;
    used[Unit::kTokens] = batch_tokens - random.below(batch_tokens / 10);
    used[Unit::kConcurrency] = 1;
    Demand estimate = used;
    estimate[Unit::kTokens] += random.below(used[Unit::kTokens] / 20);
    while (true) {
      while (!replies.empty() && replies.begin()->first <= now) {
        limiter.settle(replies.begin()->second.first, replies.begin()->second.second);
        replies.erase(replies.begin());
      }
      const Limiter::Answer answer = limiter.take(now, estimate);
      if (answer.verdict == Verdict::kGranted) {
        const Time arrives = now + 20ms + random.up_to(kJitter);
        arriving.emplace(arrives, Sent{arrives, used});
        replies.emplace(arrives + kLatency, std::make_pair(answer.grant, used));
        break;
      }
      now = answer.ask_again;
      if (!replies.empty()) now = std::min(now, replies.begin()->first);
    }
  }
  for (const auto& [at, sent] : arriving) {
    if (at > start + 10min) continue;
    const bool fits = requests.accepts(sent) && tokens.accepts(sent);
    sum.refused += fits ? 0 : 1;
    sum.requests += fits ? 1 : 0;
    sum.tokens += fits ? sent.used[Unit::kTokens] : 0;
  }
  return sum;
}

TEST(LimiterThroughput, ReachesTheLimitForTenMinutesWithoutOneRefusal) {
  struct Case {
    std::uint64_t batch_tokens;
    bool by_requests;  // which of the two limits is reached
  };
  for (const Case c : {Case{300, true}, Case{3'000, true}, Case{5'000, false}, Case{10'000, false},
                       Case{20'000, false}}) {
    for (std::uint64_t i = 0; i < 10; ++i) {
      const TenMinutes sum = ten_minutes(c.batch_tokens, first_seed() + i);
      EXPECT_EQ(sum.refused, 0U) << c.batch_tokens;
      if (c.by_requests) {
        EXPECT_GE(sum.requests, 3'000U * 95 / 100) << c.batch_tokens;
      } else {
        EXPECT_GE(sum.tokens, 10'000'000U * 95 / 100) << c.batch_tokens;
      }
    }
  }
}

}  // namespace
}  // namespace vecmill::policy
