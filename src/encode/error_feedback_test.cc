#include "vecmill/encode/error_feedback.h"

#include <gtest/gtest.h>

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

std::vector<float> spread_from(const ErrorFeedback& feedback, std::size_t k) {
  std::vector<float> weights(kInputs);
  feedback.spread(1, k, weights);
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
