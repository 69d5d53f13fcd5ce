#include "vecmill/policy/breaker.h"

#include <gtest/gtest.h>

#include <map>

#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;
using State = Breaker::State;

constexpr Time kStart{1h};

void call(Breaker& breaker, Time now, Outcome outcome, Duration took = 1s) {
  const Breaker::Pass pass = breaker.admit(now);
  ASSERT_TRUE(pass.granted);
  breaker.report(now, pass, outcome, took);
}

Breaker opened_at(Time now, const BreakerOptions& options = {}) {
  Breaker breaker(options);
  for (int i = 0; i < options.failures; ++i) call(breaker, now, Outcome::kTransient);
  EXPECT_EQ(breaker.state(), State::kOpen);
  return breaker;
}

TEST(BreakerTest, ACancelledCallIsNoProbe) {
  BreakerOptions options;
  options.failures = 1;
  Breaker breaker(options);
  const auto first = breaker.admit(kStart);
  breaker.cancel(first);  // closed: nothing to give back
  breaker.report(kStart, first, Outcome::kTransient, 1s);
  const Time later = kStart + options.open_for;
  const auto probe = breaker.admit(later);
  ASSERT_TRUE(probe.granted);
  ASSERT_FALSE(breaker.admit(later).granted);
  breaker.cancel(first);  // of an earlier era
  ASSERT_FALSE(breaker.admit(later).granted);
  breaker.cancel(probe);
  EXPECT_TRUE(breaker.admit(later).granted);
}

TEST(BreakerTest, WhatOpensIt) {
  struct Case {
    const char* what;
    Outcome outcome;
    Duration took;
    int times;
    State state;
  };
  for (const Case& c : {
           Case{"four failures", Outcome::kTransient, 1s, 4, State::kClosed},
           Case{"five failures", Outcome::kTransient, 1s, 5, State::kOpen},
           Case{"slow successes", Outcome::kSuccess, 31s, 5, State::kOpen},
           Case{"successes", Outcome::kSuccess, 30s, 99, State::kClosed},
           Case{"throttled", Outcome::kThrottled, 31s, 99, State::kClosed},
           Case{"the caller's errors", Outcome::kBadInput, 1s, 99, State::kClosed},
           Case{"requests too large", Outcome::kTooLarge, 1s, 99, State::kClosed},
           Case{"one refusal of the key", Outcome::kKeyRefused, 1s, 1, State::kOpen},
       }) {
    Breaker breaker;
    for (int i = 0; i < c.times; ++i) call(breaker, kStart, c.outcome, c.took);
    EXPECT_EQ(breaker.state(), c.state) << c.what;
  }
}

TEST(BreakerTest, OnlyASuccessEndsARowOfFailures) {
  for (const Outcome between : {Outcome::kSuccess, Outcome::kThrottled, Outcome::kBadInput}) {
    Breaker breaker;
    for (int i = 0; i < 4; ++i) call(breaker, kStart, Outcome::kTransient);
    call(breaker, kStart, between);
    call(breaker, kStart, Outcome::kTransient);
    EXPECT_EQ(breaker.state() == State::kOpen, between != Outcome::kSuccess);
  }
}

TEST(BreakerTest, OpenForAMinuteThenOneProbe) {
  Breaker breaker = opened_at(kStart);
  EXPECT_FALSE(breaker.admit(kStart + 60s - 1ns).granted);
  EXPECT_EQ(breaker.admit(kStart + 1s).ask_again, kStart + 60s);
  const Breaker::Pass probe = breaker.admit(kStart + 60s);
  EXPECT_TRUE(probe.granted);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_FALSE(breaker.admit(kStart + 61s).granted);
  breaker.report(kStart + 62s, probe, Outcome::kSuccess, 2s);
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST(BreakerTest, HowAProbeEnds) {
  struct Case {
    Outcome outcome;
    State state;
  };
  for (const Case& c : {
           Case{Outcome::kSuccess, State::kClosed},
           Case{Outcome::kBadInput, State::kClosed},
           Case{Outcome::kThrottled, State::kClosed},
           Case{Outcome::kTransient, State::kOpen},
           Case{Outcome::kKeyRefused, State::kOpen},
       }) {
    Breaker breaker = opened_at(kStart);
    call(breaker, kStart + 60s, c.outcome);
    EXPECT_EQ(breaker.state(), c.state);
    EXPECT_EQ(breaker.admit(kStart + 61s).granted, c.state == State::kClosed);
  }
}

TEST(BreakerTest, SeveralProbesMustAllSucceed) {
  Breaker breaker = opened_at(kStart, {.probes = 2});
  const Breaker::Pass first = breaker.admit(kStart + 60s);
  const Breaker::Pass second = breaker.admit(kStart + 60s);
  EXPECT_FALSE(breaker.admit(kStart + 60s).granted);
  breaker.report(kStart + 61s, first, Outcome::kSuccess, 1s);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_FALSE(breaker.admit(kStart + 61s).granted);
  breaker.report(kStart + 61s, second, Outcome::kSuccess, 1s);
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST(BreakerTest, ALostProbeIsGivenUp) {
  Breaker breaker = opened_at(kStart);
  const Breaker::Pass lost = breaker.admit(kStart + 60s);
  EXPECT_EQ(breaker.admit(kStart + 61s).ask_again, kStart + 120s);
  EXPECT_TRUE(breaker.admit(kStart + 120s).granted);
  breaker.report(kStart + 121s, lost, Outcome::kSuccess, 1s);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
}

TEST(BreakerTest, ARefusedKeyIsLeftAloneForLonger) {
  Breaker breaker;
  call(breaker, kStart, Outcome::kKeyRefused);
  EXPECT_EQ(breaker.admit(kStart + 1s).ask_again, kStart + 15min);
}

TEST(BreakerTest, LateFailuresDoNotKeepItOpen) {
  Breaker breaker;
  const Breaker::Pass late = breaker.admit(kStart);
  for (int i = 0; i < 5; ++i) call(breaker, kStart, Outcome::kTransient);
  breaker.report(kStart + 59s, late, Outcome::kTransient, 59s);
  call(breaker, kStart + 60s, Outcome::kSuccess);
  for (int i = 0; i < 9; ++i) breaker.report(kStart + 61s, late, Outcome::kKeyRefused, 61s);
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST(BreakerTest, AnHourOfOutageIsProbedOnceAMinute) {
  Breaker breaker;
  int sends = 0;
  for (Time now = kStart; now < kStart + 1h; now += 10ms) {
    const Breaker::Pass pass = breaker.admit(now);
    if (!pass.granted) continue;
    ++sends;
    breaker.report(now, pass, Outcome::kTransient, 1s);
  }
  EXPECT_EQ(sends, 5 + 59);
}

/// Many calls in flight; what they come to is compared with what the text above promises.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        options_{.failures = 1 + static_cast<int>(random_.below(6)),
                 .probes = 1 + static_cast<int>(random_.below(3))},
        breaker_(options_),
        health_(1 + random_.below(20)) {}

  void run(std::size_t events) {
    for (std::size_t i = 0; i < events && !testing::Test::HasFailure(); ++i) {
      now_ += random_.up_to(random_.below(50) == 0 ? 40s : 500ms);
      if (random_.below(2) == 0) {
        admit();
      } else if (!flying_.empty()) {
        report();
      }
    }
  }

 private:
  struct Call {
    Breaker::Pass pass;
    Time at;
  };

  void admit() {
    const State before = breaker_.state();
    Breaker::Pass pass = breaker_.admit(now_);
    if (!pass.granted) {
      EXPECT_NE(before, State::kClosed);
      EXPECT_GT(pass.ask_again, now_);
      if (random_.below(4) != 0) return;
      now_ = pass.ask_again;
      pass = breaker_.admit(now_);
      EXPECT_TRUE(pass.granted) << "not granted at the moment it named";
    }
    EXPECT_GE(now_, closed_until_) << "granted while open";
    EXPECT_GE(pass.era, era_);
    if (pass.era != era_) row_ = admitted_ = 0;
    era_ = pass.era;
    ++admitted_;
    if (breaker_.state() == State::kHalfOpen) {
      EXPECT_LE(admitted_, options_.probes);
    }
    flying_.emplace(random_.next(), Call{pass, now_});
  }

  Outcome outcome() {
    if (random_.below(20) < health_) return Outcome::kSuccess;
    if (random_.below(40) == 0) return Outcome::kKeyRefused;
    return static_cast<Outcome>(random_.below(5));
  }

  void report() {
    const auto [pass, at] = flying_.begin()->second;
    flying_.erase(flying_.begin());
    const Outcome outcome = this->outcome();
    const Duration took = random_.below(30) == 0 ? 31s : 1s;
    const bool failed =
        outcome == Outcome::kTransient || (outcome == Outcome::kSuccess && took == 31s);
    const State before = breaker_.state();
    breaker_.report(now_, pass, outcome, took);
    const State after = breaker_.state();
    if (pass.era != era_ || before == State::kOpen) {
      EXPECT_EQ(before, after) << "a report from an earlier era";
      return;
    }
    row_ = failed ? row_ + 1 : outcome == Outcome::kSuccess ? 0 : row_;
    const int allowed = before == State::kHalfOpen ? 1 : options_.failures;
    const bool key = outcome == Outcome::kKeyRefused;
    EXPECT_EQ(after == State::kOpen, key || (failed && row_ >= allowed));
    if (after == State::kOpen)
      closed_until_ = now_ + (key ? options_.key_open_for : options_.open_for);
  }

  Random random_;
  BreakerOptions options_;
  Breaker breaker_;
  std::uint64_t health_;  // of 20 calls
  Time now_ = kStart, closed_until_ = kStart;
  std::uint64_t era_ = 0;
  int row_ = 0, admitted_ = 0;
  std::multimap<std::uint64_t, Call> flying_;
};

TEST(BreakerChecker, OpensForTheRightReasonsAndProbesAsPromised) {
  check_seeds([](std::uint64_t seed) { World(seed).run(kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
