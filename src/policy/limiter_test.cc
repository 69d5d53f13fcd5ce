#include "vecmill/policy/limiter.h"

#include <gtest/gtest.h>

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;
using Verdict = Limiter::Verdict;

constexpr Time kStart{1h};

Limiter make(const std::vector<Limit>& limits) { return *Limiter::create(limits); }

Demand demand(std::uint64_t requests, std::uint64_t tokens = 0) {
  Demand d;
  d[Unit::kRequests] = requests;
  d[Unit::kTokens] = tokens;
  d[Unit::kConcurrency] = 1;
  return d;
}

Limiter ten_per_second() { return make({token_bucket(Unit::kRequests, 10, 1s)}); }

TEST(LimiterTest, ABucketGivesItsDepthAtOnceAndThenItsRate) {
  Limiter limiter = ten_per_second();
  EXPECT_EQ(limiter.available(kStart, 0), 10U);
  EXPECT_EQ(limiter.take(kStart, demand(10)).verdict, Verdict::kGranted);
  EXPECT_EQ(limiter.available(kStart, 0), 0U);
  const Limiter::Answer refused = limiter.take(kStart, demand(3));
  EXPECT_EQ(refused.verdict, Verdict::kLater);
  EXPECT_EQ(refused.ask_again, kStart + 300ms);
  EXPECT_EQ(limiter.available(kStart + 250ms, 0), 2U);
  EXPECT_EQ(limiter.take(kStart + 300ms, demand(3)).verdict, Verdict::kGranted);
  EXPECT_EQ(limiter.available(kStart + 1h, 0), 10U);
}

TEST(LimiterTest, MoreThanABucketEverHasIsToldSo) {
  Limiter limiter =
      make({token_bucket(Unit::kRequests, 5, 1s), token_bucket(Unit::kTokens, 100, 1s)});
  const Limiter::Answer answer = limiter.take(kStart, demand(1, 101));
  EXPECT_EQ(answer.verdict, Verdict::kTooLarge);
  EXPECT_EQ(answer.limit, 1U);
  EXPECT_EQ(answer.ask_again, kNever);
}

TEST(LimiterTest, AllLimitsAreTakenOrNone) {
  Limiter limiter =
      make({token_bucket(Unit::kRequests, 5, 1s), token_bucket(Unit::kTokens, 100, 1s)});
  ASSERT_EQ(limiter.take(kStart, demand(1, 90)).verdict, Verdict::kGranted);
  const Limiter::Answer answer = limiter.take(kStart, demand(1, 20));
  EXPECT_EQ(answer.verdict, Verdict::kLater);
  EXPECT_EQ(answer.limit, 1U);
  EXPECT_EQ(answer.ask_again, kStart + 100ms);
  EXPECT_EQ(limiter.available(kStart, 0), 4U);
}

TEST(LimiterTest, EveryUnitHasItsOwnName) {
  for (std::size_t i = 0; i < kUnits; ++i) {
    Demand d;
    d[static_cast<Unit>(i)] = 2;
    Limiter limiter = make({token_bucket(static_cast<Unit>(i), 1, 1s)});
    EXPECT_EQ(limiter.take(kStart, d).verdict, Verdict::kTooLarge);
    EXPECT_NE(name(static_cast<Unit>(i)), nullptr);
  }
}

TEST(LimiterTest, ConcurrencyComesBackWithTheReply) {
  Limiter limiter = make({concurrency(2)});
  const Limiter::Answer first = limiter.take(kStart, demand(1));
  ASSERT_EQ(limiter.take(kStart, demand(1)).verdict, Verdict::kGranted);
  EXPECT_EQ(limiter.available(kStart, 0), 0U);
  const Limiter::Answer refused = limiter.take(kStart, demand(1));
  EXPECT_EQ(refused.verdict, Verdict::kLater);
  EXPECT_EQ(refused.ask_again, kNever);
  EXPECT_TRUE(limiter.settle(first.grant, demand(1)));
  EXPECT_EQ(limiter.take(kStart, demand(1)).verdict, Verdict::kGranted);
}

TEST(LimiterTest, WhatWasNotUsedComesBack) {
  Limiter limiter = ten_per_second();
  const Limiter::Answer grant = limiter.take(kStart, demand(10));
  ASSERT_TRUE(limiter.settle(grant.grant, demand(4)));
  EXPECT_EQ(limiter.available(kStart, 0), 6U);
}

TEST(LimiterTest, WhatWasUsedBeyondTheReservationIsOwed) {
  Limiter limiter = ten_per_second();
  const Limiter::Answer grant = limiter.take(kStart, demand(8));
  ASSERT_TRUE(limiter.take(kStart, demand(2)).verdict == Verdict::kGranted);
  ASSERT_TRUE(limiter.settle(grant.grant, demand(9)));
  EXPECT_EQ(limiter.available(kStart, 0), 0U);
  EXPECT_EQ(limiter.take(kStart, demand(1)).ask_again, kStart + 200ms);
}

TEST(LimiterTest, AReplyCannotClaimMoreThanTheBucketEverHas) {
  Limiter limiter = ten_per_second();
  const Limiter::Answer grant = limiter.take(kStart, demand(1));
  ASSERT_TRUE(limiter.settle(grant.grant, demand(~std::uint64_t{0})));
  EXPECT_EQ(limiter.take(kStart, demand(1)).ask_again, kStart + 100ms);
}

// While the bucket stood full nothing could have been saved up, so nothing comes back for that.
TEST(LimiterTest, ALateReturnDoesNotFillABucketThatRefilledMeanwhile) {
  Limiter limiter = ten_per_second();
  const Limiter::Answer first = limiter.take(kStart, demand(10));
  ASSERT_EQ(limiter.take(kStart + 500ms, demand(5)).verdict, Verdict::kGranted);
  ASSERT_TRUE(limiter.settle(first.grant, demand(1)));
  EXPECT_EQ(limiter.available(kStart + 500ms, 0), 5U);
}

TEST(LimiterTest, AGrantIsSettledOnce) {
  Limiter limiter = ten_per_second();
  const Limiter::Answer first = limiter.take(kStart, demand(4));
  const Limiter::Answer second = limiter.take(kStart, demand(4));
  EXPECT_LT(first.grant, second.grant);
  EXPECT_TRUE(limiter.settle(second.grant, demand(4)));
  EXPECT_FALSE(limiter.settle(second.grant, demand(0)));
  EXPECT_FALSE(limiter.settle(second.grant + 1, demand(0)));
  EXPECT_TRUE(limiter.settle(first.grant, demand(4)));
  EXPECT_FALSE(limiter.settle(first.grant, demand(0)));
  EXPECT_EQ(limiter.available(kStart, 0), 2U);
  const Limiter::Answer third = limiter.take(kStart, demand(1));
  EXPECT_FALSE(limiter.settle(first.grant, demand(0)));
  EXPECT_TRUE(limiter.settle(third.grant, demand(1)));
}

TEST(LimiterTest, AHoldStopsEverythingUntilItsEndAndIsNeverShortened) {
  Limiter limiter = ten_per_second();
  limiter.hold(kStart + 30s);
  limiter.hold(kStart + 10s);
  EXPECT_EQ(limiter.take(kStart + 10s, demand(1)).ask_again, kStart + 30s);
  EXPECT_EQ(limiter.take(kStart + 30s, demand(1)).verdict, Verdict::kGranted);
}

TEST(LimiterTest, RateHeadersOnlyLowerWhatIsAvailable) {
  struct Case {
    std::uint64_t taken, in_flight, remaining;
    Duration reset;
    std::uint64_t available;
  };
  const Case cases[] = {
      {0, 0, 10, 0s, 10},   // as we know it
      {0, 0, 40, 0s, 10},   // their bucket is deeper
      {6, 0, 9, 100ms, 4},  // they know of less
      {0, 0, 4, 600ms, 4},  // somebody else uses the key
      {2, 0, 4, 600ms, 4},  //
      {0, 3, 6, 0s, 3},     // ours in flight may not have arrived there
      {0, 3, 0, 0s, 0},     //
      {0, 0, 2, -5s, 2},    // nonsense
      {0, 0, 0, 1000h, 0},  //
      {0, 0, 3, 1s, 0},     // a fixed window that is nearly used up
  };
  for (const Case& c : cases) {
    Limiter limiter = ten_per_second();
    const Limiter::Answer taken = limiter.take(kStart, demand(c.taken));
    ASSERT_TRUE(limiter.settle(taken.grant, demand(c.taken)));
    (void)limiter.take(kStart, demand(c.in_flight));
    limiter.observe(kStart, 0, c.remaining, c.reset);
    EXPECT_EQ(limiter.available(kStart, 0), c.available) << c.remaining;
    EXPECT_EQ(limiter.available(kStart + 2s, 0), 10U);
  }
}

TEST(LimiterTest, HeadersSayNothingOfConcurrency) {
  Limiter limiter = make({concurrency(2)});
  limiter.observe(kStart, 0, 0, 1s);
  EXPECT_EQ(limiter.available(kStart, 0), 2U);
}

TEST(LimiterTest, WhatIsTakenKeepsItsSizeWhenTheRateChanges) {
  Limiter limiter = ten_per_second();
  const Limiter::Answer grant = limiter.take(kStart, demand(10));
  ASSERT_TRUE(limiter.settle(grant.grant, demand(10)));
  limiter.set_count(kStart, 0, 5);
  EXPECT_EQ(limiter.available(kStart, 0), 0U);
  EXPECT_EQ(limiter.take(kStart, demand(1)).ask_again, kStart + 200ms);
  EXPECT_EQ(limiter.take(kStart + 1s, demand(5)).verdict, Verdict::kGranted);  // in flight
  limiter.set_count(kStart + 1s, 0, 0);
  EXPECT_EQ(limiter.take(kStart + 1s, demand(1)).ask_again, kStart + 2s);
}

TEST(LimiterTest, AWindowHoldsTheBurstAndWhatComesBackInIt) {
  struct Case {
    std::uint64_t count, burst, refill;
  };
  for (const Case c : {Case{300, 1, 300}, Case{300, 20, 281}, Case{3, 3, 1}, Case{3, 9, 1}}) {
    const Limit limit = sliding_window(Unit::kRequests, c.count, c.burst, 1min);
    EXPECT_EQ(limit.count, c.refill);
    EXPECT_EQ(limit.burst, std::min(c.burst, c.count));
  }
}

TEST(LimiterTest, ARampedLimitStartsAtAMillionAMinute) {
  Limit limit = token_bucket(Unit::kTokens, 5'000'000, 1min);
  limit.ramp = true;
  Limiter limiter = make({limit});
  EXPECT_EQ(limiter.take(kStart, demand(0, 1'000'001)).verdict, Verdict::kTooLarge);
  Time now = kStart;
  for (int minute = 0; minute < 15; ++minute, now += 1min) {
    EXPECT_EQ(limiter.take(now, demand(0, 1'000'000)).verdict, Verdict::kGranted) << minute;
  }
  EXPECT_EQ(limiter.take(now, demand(0, 1'500'000)).verdict, Verdict::kGranted);
  EXPECT_EQ(limiter.take(now + 59s, demand(0, 1'500'000)).ask_again, now + 1min);
  EXPECT_EQ(limiter.take(now, demand(0, 1'500'001)).verdict, Verdict::kTooLarge);
}

TEST(LimiterTest, LimitsThatLetNothingThroughAreRefused) {
  for (const Limit& limit :
       {token_bucket(Unit::kTokens, 0, 1min), Limit{Unit::kTokens, 5, 1min, 0},
        sliding_window(Unit::kTokens, 0, 0, 1min), concurrency(0),
        token_bucket(Unit::kTokens, 1, -1s), token_bucket(Unit::kTokens, 1, 24h * 32)}) {
    const Result<Limiter> limiter = Limiter::create({concurrency(1), limit});
    ASSERT_FALSE(limiter);
    EXPECT_EQ(limiter.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_EQ(limiter.error().where, name(limit.unit));
  }
}

}  // namespace
}  // namespace vecmill::policy
