#include "vecmill/base/budget_rule.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace vecmill {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Date kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);

TEST(BudgetRuleTest, WhatIsLetOutEvenlyGrowsUntilTheWindowEnds) {
  const BudgetRule even({Span::kDay, 1'000}, {.throttle_percent = 40});
  EXPECT_EQ(even.most(kStart, kStart), 400U);
  EXPECT_EQ(even.most(kStart, kStart + hours(12)), 700U);
  EXPECT_EQ(even.most(kStart, kStart + hours(24)), 1'000U);
  EXPECT_EQ(even.most(kStart, kStart + hours(99)), 1'000U);
  const BudgetRule at_once({Span::kMonth, 1'000}, {});
  EXPECT_EQ(at_once.most(kStart, kStart), 1'000U);
  const BudgetRule run({Span::kRun, 1'000}, {.throttle_percent = 0});
  EXPECT_EQ(run.most(Date::min(), kStart), 1'000U);
}

/// Two ways to ask the same.
TEST(BudgetRuleTest, UpToTheMostItIsReady) {
  std::mt19937_64 random(1);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  for (int n = 0; n < 100'000; ++n) {
    const Span span = std::array{Span::kRun, Span::kDay, Span::kMonth}[below(3)];
    const Money limit = below(4) == 0 ? below(10) : below(1ULL << below(62));
    const BudgetRule rule({span, limit}, {.throttle_percent = static_cast<int>(below(101))});
    const Date now = kStart + seconds(below(31 * 86'400));
    const Date start = start_of(span, now);
    const Money most = rule.most(start, now);
    ASSERT_LE(most, limit);
    const Money used = below(most + 2);
    for (const Money all : {used, most, most + 1}) {
      if (all <= used) continue;  // what costs nothing is not asked for
      EXPECT_EQ(rule.ready(start, used, all - used) <= now, all <= most)
          << static_cast<int>(span) << " " << limit << " " << used << " of " << all;
    }
  }
}

}  // namespace
}  // namespace vecmill
