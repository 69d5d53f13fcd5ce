#include "vecmill/encode/error_feedback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace vecmill::encode {
namespace {

constexpr std::uint32_t kInputs = kGramBlock + 2;

/// Of one row in which the inputs `i` and `j` are equal and all others are 0.
InputStatistics equal_inputs(std::uint32_t i, std::uint32_t j) {
  std::vector<float> row(kInputs);
  row[i] = row[j] = 100;
  InputStatistics statistics;
  statistics.add(row.data(), 1, kInputs);
  return statistics;
}

/// What an error of 1 at input `k` does to all inputs, by input.
std::vector<float> spread_from(const ErrorFeedback& feedback, std::uint32_t k) {
  const auto order = feedback.order();
  std::vector<float> ordered(kInputs), weights(kInputs);
  feedback.spread(1, static_cast<std::size_t>(std::ranges::find(order, k) - order.begin()),
                  ordered);
  for (std::size_t n = 0; n < kInputs; ++n) weights[order[n]] = ordered[n];
  return weights;
}

TEST(ErrorFeedbackTest, AnEqualInputBehindTakesTheError) {
  const ErrorFeedback feedback(equal_inputs(3, 10), std::vector<float>(kInputs, 1.0F));
  const std::vector<float> weights = spread_from(feedback, 3);
  EXPECT_NEAR(weights[10], 1, 0.01);
  for (std::uint32_t k = 0; k < kInputs; ++k) {
    if (k == 10) continue;
    EXPECT_EQ(weights[k], 0) << k;
  }
  EXPECT_EQ(spread_from(feedback, 10), std::vector<float>(kInputs));
}

TEST(ErrorFeedbackTest, TheStrongestInputsOfABlockAreFirst) {
  std::vector<float> row(kInputs, 1.0F);
  row[5] = 2, row[200] = -3, row[kGramBlock + 1] = 9;
  InputStatistics statistics;
  statistics.add(row.data(), 1, kInputs);
  const ErrorFeedback feedback(statistics, std::vector<float>(kInputs, 1.0F));
  std::vector<std::uint32_t> expected(kInputs);
  std::iota(expected.begin(), expected.end(), 0U);
  std::rotate(expected.begin(), expected.begin() + 5, expected.begin() + 6);
  std::rotate(expected.begin(), expected.begin() + 200, expected.begin() + 201);
  std::swap(expected[kGramBlock], expected[kGramBlock + 1]);
  EXPECT_TRUE(std::ranges::equal(feedback.order(), expected));
}

TEST(ErrorFeedbackTest, NothingLeavesABlock) {
  const ErrorFeedback feedback(equal_inputs(3, kGramBlock), std::vector<float>(kInputs, 1.0F));
  EXPECT_EQ(spread_from(feedback, 3), std::vector<float>(kInputs));
}

TEST(ErrorFeedbackTest, KeptInputsTakeNoPart) {
  std::vector<float> mask(kInputs, 1.0F);
  mask[10] = 0;
  EXPECT_EQ(spread_from({equal_inputs(3, 10), mask}, 3), std::vector<float>(kInputs));
}

}  // namespace
}  // namespace vecmill::encode
