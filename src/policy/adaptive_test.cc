#include <gtest/gtest.h>

#include <algorithm>

#include "vecmill/policy/adaptive_batch.h"
#include "vecmill/policy/adaptive_timeout.h"
#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

TEST(AdaptiveBatchTest, GrowsInStepsAndShrinksAtOnce) {
  AdaptiveBatch batch({1'600, 64'000}, 1s);
  EXPECT_EQ(batch.tokens(), 1'600U);
  batch.succeeded(1'600, 1s);
  EXPECT_EQ(batch.tokens(), 1'700U);
  for (int i = 0; i < 99; ++i) batch.succeeded(batch.tokens(), 1s);
  EXPECT_EQ(batch.tokens(), 64'000U);
  batch.succeeded(1, 1s + 1ns);
  EXPECT_EQ(batch.tokens(), 51'200U);
  batch.succeeded(25'599, 1ms);
  EXPECT_EQ(batch.tokens(), 51'200U) << "a small request proves nothing";
  batch.halve();
  EXPECT_EQ(batch.tokens(), 25'600U);
  for (int i = 0; i < 9; ++i) batch.halve();
  EXPECT_EQ(batch.tokens(), 1'600U);
  batch.succeeded(1'600, 2s);
  EXPECT_EQ(batch.tokens(), 1'600U);
}

TEST(AdaptiveBatchTest, GrowsInASmallRange) {
  AdaptiveBatch batch({1, 10}, 1s);
  for (int i = 0; i < 99; ++i) batch.succeeded(batch.tokens(), 1ms);
  EXPECT_EQ(batch.tokens(), 10U);
}

TEST(AdaptiveTimeoutTest, TheMostUntilSomethingWasSeen) {
  EXPECT_EQ(AdaptiveTimeout().timeout(5), 60s);
}

TEST(AdaptiveTimeoutTest, FollowsWhatIsSeenForTheSizeOfTheRequest) {
  AdaptiveTimeout timeout;
  for (int i = 0; i < 100; ++i) timeout.replied(1'000, 2s);
  EXPECT_EQ(timeout.timeout(0), 2s) << "never below the least";
  EXPECT_NEAR(double(timeout.timeout(9'000).count()), 10e9, 1e6);
  EXPECT_EQ(timeout.timeout(~std::uint64_t{0}), 60s) << "nor above the most";
}

TEST(AdaptiveTimeoutTest, TheFirstReplyLeavesRoom) {
  AdaptiveTimeout timeout;
  timeout.replied(0, 4s);
  EXPECT_EQ(timeout.timeout(0), 12s);
}

TEST(AdaptiveTimeoutTest, WaitsTwiceAsLongAfterEachTimeoutUntilAReply) {
  AdaptiveTimeout timeout;
  for (int i = 0; i < 100; ++i) timeout.replied(0, 3s);
  const Duration usual = timeout.timeout(0);
  timeout.timed_out();
  EXPECT_EQ(timeout.timeout(0), 2 * usual);
  for (int i = 0; i < 99; ++i) timeout.timed_out();
  EXPECT_EQ(timeout.timeout(0), 60s);
  timeout.replied(0, 3s);
  EXPECT_EQ(timeout.timeout(0), usual);
}

/// A server with a fixed cost per request and per token, and noise.
struct Server {
  Duration fixed, per_token;

  Duration takes(std::uint64_t tokens, Random& random) const {
    const Duration plain = fixed + static_cast<std::int64_t>(tokens) * per_token;
    return plain * (80 + static_cast<int>(random.below(41))) / 100;
  }
};

void check_batches(std::uint64_t seed, std::size_t events) {
  Random random(seed);
  const Server server{random.up_to(200ms), 1us + random.up_to(100us)};
  const AdaptiveBatch::Range range{1 + random.below(1'000), 2'000 + random.below(200'000)};
  AdaptiveBatch batch(range, 1s);
  std::uint64_t sum = 0;
  std::size_t slow = 0;
  for (std::size_t i = 0; i < events; ++i) {
    const std::uint64_t before = batch.tokens();
    const Duration took = server.takes(before, random);
    batch.succeeded(before, took);
    slow += took > 1'500ms ? 1 : 0;
    sum += before;
    if (random.below(1'000) == 0) batch.halve();
    ASSERT_GE(batch.tokens(), range.least);
    ASSERT_LE(batch.tokens(), range.most);
    ASSERT_TRUE(took <= 1s || batch.tokens() <= before) << "grew after a slow request";
  }
  const auto best = static_cast<std::uint64_t>((1s - server.fixed) / server.per_token);
  EXPECT_GE(sum / events, std::min(best, range.most) / 2) << "too small for the server";
  EXPECT_LE(slow, events / 50) << "too large for the server";
}

void check_timeouts(std::uint64_t seed, std::size_t events) {
  Random random(seed);
  const Server server{100ms + random.up_to(1s), 0us};
  AdaptiveTimeout timeout({100ms, 60s});
  std::size_t too_soon = 0;
  for (std::size_t i = 0; i < events; ++i) {
    const std::uint64_t tokens = random.below(20'000);
    const Duration took =
        server.takes(0, random) * (1'000 + static_cast<std::int64_t>(tokens)) / 1'000;
    const Duration limit = timeout.timeout(tokens);
    ASSERT_GE(limit, 100ms);
    ASSERT_LE(limit, 60s);
    if (took > limit) {
      ++too_soon;
      timeout.timed_out();
      ASSERT_GE(timeout.timeout(tokens), limit) << "less patient after a timeout";
    } else {
      timeout.replied(tokens, took);
    }
  }
  EXPECT_LE(too_soon, events / 200) << "gives up on a server that is as always";
  EXPECT_LE(timeout.timeout(0), 5 * server.fixed) << "too patient";
}

TEST(AdaptiveChecker, SizesAndTimeoutsFollowTheServer) {
  check_seeds([](std::uint64_t seed) {
    check_batches(seed, kCheckedEvents / kSeeds);
    check_timeouts(seed, kCheckedEvents / kSeeds);
  });
}

}  // namespace
}  // namespace vecmill::policy
