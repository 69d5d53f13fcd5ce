#include "vecmill/policy/retry.h"

#include <gtest/gtest.h>

#include "vecmill/policy/checker.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};

/// How often a request is sent that always ends so.
int sends(Outcome outcome, const RetryOptions& options = {}) {
  Retry retry(options);
  RetryBudget budget;
  Random random(1);
  int count = 1;
  while (retry.after(outcome, kStart, std::nullopt, random, budget)) ++count;
  return count;
}

TEST(RetryTest, EveryClassHasItsNumberOfAttempts) {
  EXPECT_EQ(sends(Outcome::kTransient), 3);
  EXPECT_EQ(sends(Outcome::kTransient, {.attempts = 1}), 1);
  EXPECT_EQ(sends(Outcome::kThrottled), 30);
  for (const Outcome final :
       {Outcome::kSuccess, Outcome::kTooLarge, Outcome::kBadInput, Outcome::kKeyRefused}) {
    EXPECT_EQ(sends(final), 1);
  }
}

TEST(RetryTest, WaitingForA429IsNoAttemptAndCostsNoBudget) {
  Retry retry;
  RetryBudget budget;
  Random random(1);
  for (int i = 0; i < 29; ++i) {
    EXPECT_TRUE(retry.after(Outcome::kThrottled, kStart, std::nullopt, random, budget));
  }
  EXPECT_TRUE(retry.after(Outcome::kTransient, kStart, std::nullopt, random, budget));
  EXPECT_TRUE(retry.after(Outcome::kTransient, kStart, std::nullopt, random, budget));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(budget.take()) << i;
  EXPECT_FALSE(budget.take());
}

TEST(RetryTest, TheServersWishIsTheLeastWaitUpToTheCap) {
  struct Case {
    Duration hint, least, most;
  };
  for (const Case& c :
       {Case{0s, 0s, 1s}, Case{-5s, 0s, 1s}, Case{7s, 7s, 8s}, Case{24h, 120s, 121s}}) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      Retry retry;
      RetryBudget budget;
      Random random(seed);
      const auto at = retry.after(Outcome::kThrottled, kStart, c.hint, random, budget);
      ASSERT_TRUE(at);
      EXPECT_GE(*at, kStart + c.least);
      EXPECT_LE(*at, kStart + c.most);
    }
  }
}

TEST(RetryTest, NothingIsSentAfterTheDeadline) {
  Retry retry;
  retry.set_deadline(kStart + 30s);
  RetryBudget budget;
  Random random(1);
  EXPECT_FALSE(retry.after(Outcome::kTransient, kStart, 30s, random, budget));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.take()) << "what is given up costs nothing";
}

TEST(RetryTest, TheBudgetIsATenthOfWhatSucceeds) {
  RetryBudget budget;
  for (int i = 0; i < 1'000; ++i) budget.succeeded();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 9; ++i) budget.succeeded();
  EXPECT_FALSE(budget.take());
  budget.succeeded();
  EXPECT_TRUE(budget.take());

  Retry retry;
  Random random(1);
  EXPECT_FALSE(retry.after(Outcome::kTransient, kStart, std::nullopt, random, budget));
}

TEST(RetryTest, WithoutBudgetBulkWorkWaitsLonger) {
  RetryBudget budget;
  while (budget.take()) {
  }
  Random random(1);
  Retry retry(RetryOptions{.unbudgeted = 20s});
  const auto at = retry.after(Outcome::kTransient, kStart, std::nullopt, random, budget);
  ASSERT_TRUE(at);
  EXPECT_GE(*at, kStart + 20s);
  Retry late(RetryOptions{.unbudgeted = 20s});
  late.set_deadline(kStart + 10s);
  EXPECT_FALSE(late.after(Outcome::kTransient, kStart, std::nullopt, random, budget));
}

/// Requests that fail as the seed wills: bounds of waits, attempts and retries in all.
void check_requests(std::uint64_t seed, std::size_t events) {
  Random random(seed);
  RetryBudget budget;
  const RetryOptions options{.attempts = 1 + static_cast<int>(random.below(6)), .throttles = 12};
  const std::uint64_t failing = random.below(100);
  std::uint64_t retries = 0, successes = 0;
  Duration waited{}, longest{};  // of first retries; their mean shows the jitter
  std::int64_t firsts = 0;
  for (std::size_t event = 0; event < events && !testing::Test::HasFailure();) {
    Retry retry(options);
    Time now = kStart;
    for (int failures = 0, throttles = 0;; ++event) {
      if (random.below(100) >= failing) {
        budget.succeeded();
        ++successes;
        break;
      }
      const bool throttled = random.below(3) == 0;
      const std::optional<Duration> hint =
          random.below(4) == 0 ? std::optional(random.up_to(200s)) : std::nullopt;
      int& count = throttled ? throttles : failures;
      ++count;
      const auto at = retry.after(throttled ? Outcome::kThrottled : Outcome::kTransient, now, hint,
                                  random, budget);
      const Duration least = std::min<Duration>(hint.value_or(0s), 120s);
      if (!at) break;
      EXPECT_LT(count, throttled ? options.throttles : options.attempts);
      const Duration scale = throttled ? Duration(1s) : Duration(500ms);
      EXPECT_GE(*at - now, least);
      EXPECT_LE(*at - now - least, std::min<Duration>(scale * (1 << (count - 1)), 20s));
      if (!throttled && count == 1) {
        ++firsts;
        waited += *at - now - least;
        longest = std::max(longest, *at - now - least);
      }
      retries += throttled ? 0 : 1;
      EXPECT_LE(retries, 10 + successes / 10) << "retries beyond the budget";
      now = *at;
    }
    ++event;
  }
  if (firsts > 200) {
    EXPECT_NEAR(double((waited / firsts).count()), 250e6, 50e6) << "not a full jitter";
    EXPECT_GT(longest, 450ms);
  }
}

TEST(RetryChecker, WaitsAttemptsAndBudgetHold) {
  check_seeds([](std::uint64_t seed) { check_requests(seed, kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
