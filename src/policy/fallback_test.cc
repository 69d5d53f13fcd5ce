#include "vecmill/policy/fallback.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;
using Route = Fallback::Route;
using Verdict = Fallback::Verdict;

constexpr Time kStart{1h};

Route asked(Fallback& chain, Time now, std::size_t member, bool probe = false) {
  const Route route = chain.route(now);
  EXPECT_EQ(route.verdict, Verdict::kAsk);
  EXPECT_EQ(route.member, member);
  EXPECT_EQ(route.probe, probe);
  return route;
}

TEST(FallbackTest, TheNextIsAskedOnlyWhileTheFirstIsOut) {
  Fallback chain(2, {});
  const Route first = asked(chain, kStart, 0);
  asked(chain, kStart, 0);
  chain.failed(kStart, first);
  chain.answered(asked(chain, kStart, 1));
  asked(chain, kStart + 59s, 1);
  chain.answered(asked(chain, kStart + 60s, 0, true));
  asked(chain, kStart + 60s, 0);
}

TEST(FallbackTest, OneCallAtATimeAsksWhatIsOut) {
  Fallback chain(2, {});
  chain.failed(kStart, asked(chain, kStart, 0));
  const Route probe = asked(chain, kStart + 60s, 0, true);
  asked(chain, kStart + 60s, 1);
  chain.failed(kStart + 65s, probe);
  asked(chain, kStart + 124s, 1);
  chain.dropped(asked(chain, kStart + 125s, 0, true));
  asked(chain, kStart + 125s, 0, true);
}

TEST(FallbackTest, WhatWasSentBeforeTellsNothingNew) {
  Fallback chain(2, {});
  const Route early = asked(chain, kStart, 0);
  const Route late = asked(chain, kStart, 0);
  chain.failed(kStart, early);
  chain.dropped(late);
  chain.failed(kStart + 30s, late);
  asked(chain, kStart + 60s, 0, true);
}

TEST(FallbackTest, AllThatAreOutAreWaitedForAndThenGivenUp) {
  Fallback chain(2, {.patience = 100s});
  chain.failed(kStart, asked(chain, kStart, 0));
  chain.failed(kStart + 10s, asked(chain, kStart, 1));
  Route route = chain.route(kStart + 10s);
  EXPECT_EQ(route.verdict, Verdict::kWait);
  EXPECT_EQ(route.until, kStart + 60s);
  chain.failed(kStart + 60s, asked(chain, kStart + 60s, 0, true));
  const Route probe = asked(chain, kStart + 70s, 1, true);
  route = chain.route(kStart + 71s);
  EXPECT_EQ(route.until, kStart + 110s) << "its end";
  chain.failed(kStart + 71s, probe);
  EXPECT_EQ(chain.route(kStart + 110s).verdict, Verdict::kGiveUp);
  chain.answered(asked(chain, kStart + 120s, 0, true));
  chain.failed(kStart + 121s, asked(chain, kStart + 121s, 0));
  chain.failed(kStart + 131s, asked(chain, kStart + 131s, 1, true));
  EXPECT_EQ(chain.route(kStart + 132s).verdict, Verdict::kWait) << "an outage of its own";
}

/// Calls in flight over servers that come and go; what the chain knows is kept beside it.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        times_{.patience = random_.up_to(300s), .ask_again = 1s + random_.up_to(90s)},
        known_(1 + random_.below(4)),
        chain_(known_.size(), times_) {}

  void run(std::size_t events) {
    for (std::size_t i = 0; i < events && !testing::Test::HasFailure(); ++i) {
      now_ += random_.up_to(random_.below(20) == 0 ? 100s : 2s);
      if (random_.below(2) == 0 || flying_.empty()) {
        ask();
      } else {
        report();
      }
    }
  }

 private:
  struct Known {
    bool out = false, probing = false;
    Time failed = {};
  };

  [[nodiscard]] bool due(const Known& member) const {
    return !member.out || (!member.probing && now_ >= member.failed + times_.ask_again);
  }

  void ask() {
    const Route route = chain_.route(now_);
    if (route.verdict != Verdict::kAsk) {
      for (const Known& member : known_) EXPECT_FALSE(due(member));
      EXPECT_EQ(route.verdict == Verdict::kGiveUp, now_ >= all_out_ + times_.patience);
      if (route.verdict == Verdict::kGiveUp) return;
      EXPECT_GT(route.until, now_);
      now_ = route.until;
      EXPECT_NE(chain_.route(now_).verdict, Verdict::kWait) << "too early";
      chain_ = Fallback(known_.size(), times_);  // that call is not followed up
      known_.assign(known_.size(), {});
      flying_.clear();
      return;
    }
    for (std::size_t i = 0; i < route.member; ++i) EXPECT_FALSE(due(known_[i])) << "passed over";
    EXPECT_TRUE(due(known_[route.member]));
    EXPECT_EQ(route.probe, known_[route.member].out);
    if (route.probe) known_[route.member].probing = true;
    flying_.push_back(route);
  }

  void report() {
    const auto it = flying_.begin() + static_cast<std::ptrdiff_t>(random_.below(flying_.size()));
    const Route route = *it;
    flying_.erase(it);
    Known& member = known_[route.member];
    switch (random_.below(4)) {
      case 0:
        chain_.answered(route);
        member = {};
        return;
      case 1:
        chain_.dropped(route);
        if (route.probe) member.probing = false;
        return;
      default: break;
    }
    const auto is_out = [](const Known& one) { return one.out; };
    const bool were = std::ranges::all_of(known_, is_out);
    chain_.failed(now_, route);
    if (!member.out || route.probe) member = {.out = true, .failed = now_};
    if (!were && std::ranges::all_of(known_, is_out)) all_out_ = now_;
  }

  Random random_;
  FallbackTimes times_;
  std::vector<Known> known_;
  Fallback chain_;
  Time now_ = kStart, all_out_ = {};
  std::vector<Route> flying_;
};

TEST(FallbackChecker, NobodyIsPassedOverWhoMayAnswer) {
  check_seeds([](std::uint64_t seed) { World(seed).run(kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
