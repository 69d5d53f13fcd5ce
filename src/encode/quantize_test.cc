#include "vecmill/encode/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "vecmill/encode/pack.h"
#include "vecmill/encode/quantize_testing.h"

namespace vecmill::encode {
namespace {

int weight(const QuantizedLinear& q, std::uint32_t in, std::uint32_t column, std::uint32_t k) {
  const std::size_t panel = std::size_t{column / kPanel} * quads(in) * 4 * kPanel;
  return q.panels[panel + (std::size_t{k / 4} * kPanel + column % kPanel) * 4 + k % 4];
}

std::vector<float> random_numbers(std::size_t count, float power) {
  static std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& x : numbers) {
    const float y = normal(random);
    x = std::copysign(std::pow(std::abs(y), power), y);
  }
  return numbers;
}

TEST(QuantizeLinearTest, WeightsAreWithinHalfAStepAndPairsWithin128) {
  for (const auto& [out, in] : {std::pair{1U, 1U}, {17U, 5U}, {40U, 400U}}) {
    std::vector<float> weights = random_numbers(std::size_t{out} * in, 3);
    std::vector<float> most(in, 1.0F);
    if (in > 100) most[7] = 2, weights[7] = 1000;
    const QuantizedLinear q = quantize_linear(weights.data(), out, in, unrelated_inputs(most));
    for (std::uint32_t c = 0; c < out; ++c) {
      int sum = 0;
      for (std::uint32_t k = 0; k < in; ++k) {
        const int w = weight(q, in, c, k);
        sum += w;
        const float value = weights[std::size_t{c} * in + k] * q.mask[k];
        ASSERT_NEAR(static_cast<float>(w) * q.scales[c], value, 0.501F * q.scales[c]);
        if (k % 2 == 0) continue;
        ASSERT_LE(std::abs(w) + std::abs(weight(q, in, c, k - 1)), 128);
      }
      EXPECT_EQ(q.sums[c], sum);
    }
  }
}

/// The mean square by which the whole numbers miss weights * input, over `count` inputs.
double miss(const QuantizedLinear& q, const std::vector<float>& weights, std::uint32_t out,
            const std::vector<float>& inputs, std::uint32_t in) {
  double sum = 0;
  for (std::size_t row = 0; row < inputs.size() / in; ++row) {
    for (std::uint32_t c = 0; c < out; ++c) {
      double error = 0;
      for (std::uint32_t k = 0; k < in; ++k) {
        const double w = weights[std::size_t{c} * in + k];
        const double rounded = double{q.scales[c]} * weight(q, in, c, k);
        error += (w - rounded) * q.mask[k] * inputs[row * in + k];
      }
      sum += error * error;
    }
  }
  return sum / static_cast<double>(inputs.size() / in * out);
}

TEST(QuantizeLinearTest, WeightsMakeUpForOneAnotherWhereInputsGoTogether) {
  constexpr std::uint32_t kOut = 24, kIn = 40, kRows = 200;
  const std::vector<float> weights = random_numbers(kOut * kIn, 1);
  std::vector<float> inputs = random_numbers(kRows * kIn, 1);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (i % kIn % 4 != 0) inputs[i] = 0.1F * inputs[i] + inputs[i - i % kIn % 4];
  }
  InputStatistics together;
  together.add(inputs.data(), kRows, kIn);
  const QuantizedLinear fitted = quantize_linear(weights.data(), kOut, kIn, together);
  const QuantizedLinear rounded =
      quantize_linear(weights.data(), kOut, kIn, unrelated_inputs(std::vector<float>(kIn, 1.0F)));
  EXPECT_LT(miss(fitted, weights, kOut, inputs, kIn),
            0.6 * miss(rounded, weights, kOut, inputs, kIn));
}

TEST(QuantizeLinearTest, PairsStayWithin128AlsoWhereErrorsGoToThem) {
  constexpr std::uint32_t kIn = 40;
  std::vector<float> weights(kIn), inputs(kIn);
  weights[0] = 0.49F, weights[2] = weights[3] = 63.5F;
  inputs[0] = 10, inputs[2] = inputs[3] = 1;
  InputStatistics statistics;
  statistics.add(inputs.data(), 1, kIn);
  std::ranges::fill(statistics.most, 10.0F);  // none is kept
  const QuantizedLinear q = quantize_linear(weights.data(), 1, kIn, statistics);
  EXPECT_EQ(q.scales[0], 1);
  EXPECT_EQ(weight(q, kIn, 0, 0), 0) << "its error is spread";
  EXPECT_GT(weight(q, kIn, 0, 2), 64);
  EXPECT_EQ(weight(q, kIn, 0, 2) + weight(q, kIn, 0, 3), 128);
}

TEST(QuantizeLinearTest, TheLargestInputsStandApart) {
  constexpr std::uint32_t kIn = 96;
  std::vector<float> weights(20 * kIn), most(kIn, 1.0F);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i);
  most[1] = 3, most[3] = 2.5F, most[5] = 2;
  const QuantizedLinear q = quantize_linear(weights.data(), 20, kIn, unrelated_inputs(most));
  EXPECT_EQ(q.kept, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(q.mask[1] + q.mask[3], 0);
  EXPECT_EQ(std::ranges::count(q.mask, 1.0F), kIn - 2);
  EXPECT_EQ(q.kept_weights[kPanel + 2], weights[2 * kIn + 3]) << "first panel, second input";
  EXPECT_EQ(q.kept_weights[2 * kPanel + 1], weights[17 * kIn + 1]) << "second panel, first input";
}

TEST(QuantizeLinearTest, AnOutputWithoutWeightsStaysZero) {
  const std::vector<float> weights(6, 0.0F);
  const QuantizedLinear q = quantize_linear(weights.data(), 2, 3, unrelated_inputs({1, 1, 1}));
  for (const std::int8_t w : q.panels) EXPECT_EQ(w, 0);
  EXPECT_EQ(q.scales[0], 0.0F);
}

}  // namespace
}  // namespace vecmill::encode
