#include "vecmill/encode/rotary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vecmill::encode {
namespace {

TEST(RotaryTest, TheTableHoldsTheAnglesInSinglePrecision) {
  const std::vector<float> table = rotary_table({10000, 1}, 3, 4);
  const float second = 1.0F / 100.0F;  // frequency 1: 10000^(-2/4)
  const std::vector<float> expected = {1,
                                       1,
                                       0,
                                       0,  // position 0
                                       std::cos(1.0F),
                                       std::cos(second),
                                       std::sin(1.0F),
                                       std::sin(second),
                                       std::cos(2.0F),
                                       std::cos(2 * second),
                                       std::sin(2.0F),
                                       std::sin(2 * second)};
  ASSERT_EQ(table.size(), expected.size());
  for (std::size_t i = 0; i < table.size(); ++i) EXPECT_NEAR(table[i], expected[i], 1e-7) << i;
}

TEST(RotaryTest, NtkScalingSlowsEveryFrequency) {
  const std::vector<float> table = rotary_table({20000, 8}, 2, 8);
  for (int i = 0; i < 4; ++i) {
    const double frequency = std::pow(20000.0 * 8, -2.0 * i / 8) / std::pow(8.0, 2.0 / 8);
    EXPECT_NEAR(table[8 + static_cast<std::size_t>(i)], std::cos(frequency), 1e-6) << i;
    EXPECT_NEAR(table[12 + static_cast<std::size_t>(i)], std::sin(frequency), 1e-6) << i;
  }
}

TEST(RotaryTest, ScoresDependOnTheDistanceOnly) {
  const std::vector<float> table = rotary_table({100, 1}, 50, 6);
  const std::vector<float> query = {1, -2, 3, 0.5F, 4, -1}, key = {0.3F, 2, -1, 1, 1, 2};
  std::vector<float> queries, keys;
  for (int i = 0; i < 50; ++i) queries.insert(queries.end(), query.begin(), query.end());
  for (int i = 0; i < 50; ++i) keys.insert(keys.end(), key.begin(), key.end());
  rotate(table.data(), queries.data(), 6, 50, 6);
  rotate(table.data(), keys.data(), 6, 50, 6);
  const auto score = [&](std::size_t q, std::size_t k) {
    float sum = 0;
    for (std::size_t i = 0; i < 6; ++i) sum += queries[q * 6 + i] * keys[k * 6 + i];
    return sum;
  };
  for (std::size_t i = 0; i + 7 < 50; ++i) EXPECT_NEAR(score(i, i + 7), score(0, 7), 1e-4) << i;
  EXPECT_GT(std::abs(score(0, 7) - score(7, 0)), 0.1);
}

}  // namespace
}  // namespace vecmill::encode
