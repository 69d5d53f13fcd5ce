#include "vecmill/policy/adaptive_rate.h"

#include <gtest/gtest.h>

#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};

TEST(AdaptiveRateTest, FallsAtOnceAndClimbsWithWork) {
  AdaptiveRate rate(1'000);
  EXPECT_EQ(rate.count(), 1'000U);
  rate.throttled(kStart, kStart - 1s);
  EXPECT_EQ(rate.count(), 700U);
  for (int second = 0; second <= 60; ++second) rate.succeeded(kStart + second * 1s);
  EXPECT_EQ(rate.count(), 802U);  // 61 s of 600, the first for what was before it
  rate.succeeded(kStart + 1h);
  EXPECT_EQ(rate.count(), 804U) << "an idle hour is no work";
  rate.succeeded(kStart);
  EXPECT_EQ(rate.count(), 804U) << "nor is a success out of order";
}

TEST(AdaptiveRateTest, RequestsOfOneBurstCutOnce) {
  AdaptiveRate rate(1'000);
  for (int i = 0; i < 5; ++i) rate.throttled(kStart + i * 1ms, kStart - 1s);
  EXPECT_EQ(rate.count(), 700U);
  rate.throttled(kStart + 1s, kStart + 1ms);
  EXPECT_EQ(rate.count(), 490U);
}

TEST(AdaptiveRateTest, NeverEndsAtNothing) {
  for (const std::uint64_t ceiling : {1U, 3U, 1'000U}) {
    AdaptiveRate rate(ceiling);
    for (int i = 0; i < 100; ++i) rate.throttled(kStart + i * 1s, kStart + i * 1s);
    EXPECT_EQ(rate.count(), 1U);
  }
}

/// Whether the rate finds a limit that nobody told it: a provider that takes one request per gap.
void find_hidden_rate(std::uint64_t seed, std::size_t events) {
  Random random(seed);
  const std::uint64_t hidden = 60 + random.below(540), ceiling = 600;
  AdaptiveRate rate(ceiling);
  Time now = kStart;
  Duration level = 10s;  // of work that the provider would take at once
  Time seen = now;
  std::size_t refused = 0, accepted = 0;
  for (std::size_t i = 0; i < events && !testing::Test::HasFailure(); ++i) {
    const Time sent = now;
    level = std::min<Duration>(10s, level + (now - seen));
    seen = now;
    const Duration cost = Duration(1min) / hidden;
    const std::uint64_t before = rate.count();
    if (level >= cost) {
      level -= cost;
      ++accepted;
      rate.succeeded(now);
      EXPECT_GE(rate.count(), before);
    } else {
      ++refused;
      rate.throttled(now, sent);
      EXPECT_LE(rate.count(), before);
    }
    EXPECT_GE(rate.count(), 1U);
    EXPECT_LE(rate.count(), ceiling);
    now += Duration(1min) / rate.count();
  }
  const double possible = std::chrono::duration<double>(now - kStart) / 1min * double(hidden);
  EXPECT_GE(double(accepted), 0.75 * possible) << hidden;
  EXPECT_LE(refused * 20, accepted) << hidden;
}

TEST(AdaptiveRateChecker, FindsAHiddenLimit) {
  check_seeds([](std::uint64_t seed) { find_hidden_rate(seed, kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
