#include "vecmill/encode/pooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "vecmill/encode/post_modules.h"

namespace vecmill::encode {
namespace {

using testing::FloatEq;
using testing::Pointwise;

/// Three tokens of two components.
const std::vector<float> kRows = {1, -2, 3, 4, -5, 6};

std::vector<float> pooled(std::vector<PoolingMode> modes, std::uint32_t skipped) {
  std::vector<float> out(2 * modes.size());
  pool(modes, {kRows.data(), 3, 2, skipped}, out.data());
  return out;
}

struct PoolingCase {
  PoolingMode mode;
  std::vector<float> all, without_first;
};

TEST(PoolingTest, EachMode) {
  const float root2 = std::sqrt(2.0f);
  const float root3 = std::sqrt(3.0f);
  const PoolingCase cases[] = {
      {PoolingMode::kCls, {1, -2}, {3, 4}},
      {PoolingMode::kMax, {3, 6}, {3, 6}},
      {PoolingMode::kMean, {-1 / 3.0f, 8 / 3.0f}, {-1, 5}},
      {PoolingMode::kMeanSqrtLen, {-1 / root3, 8 / root3}, {-2 / root2, 10 / root2}},
      {PoolingMode::kWeightedMean, {-8 / 6.0f, 24 / 6.0f}, {-9 / 5.0f, 26 / 5.0f}},
      {PoolingMode::kLastToken, {-5, 6}, {-5, 6}},
  };
  for (const PoolingCase& c : cases) {
    EXPECT_THAT(pooled({c.mode}, 0), Pointwise(FloatEq(), c.all));
    EXPECT_THAT(pooled({c.mode}, 1), Pointwise(FloatEq(), c.without_first));
  }
}

TEST(PoolingTest, ModesAreConcatenatedInTheirOrder) {
  EXPECT_THAT(pooled({PoolingMode::kLastToken, PoolingMode::kCls}, 0),
              testing::ElementsAre(-5, 6, 1, -2));
}

TEST(PostModulesTest, DenseWithResidual) {
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};  // [2 in, 3 out]
  const std::vector<float> bias = {0.5f, -100, 0};
  std::vector<float> x = {1, -1};
  apply_module(
      Dense{2, 3, weight.data(), bias.data(), weight.data(), false, DenseActivation::kRelu}, x);
  EXPECT_THAT(x, testing::ElementsAre(-3, -3, -3));
  std::vector<float> y = {1, 2};
  apply_module(Dense{2, 2, weight.data(), nullptr, nullptr, true, DenseActivation::kIdentity}, y);
  EXPECT_THAT(y, testing::ElementsAre(8, 12));
}

TEST(PostModulesTest, ActivationsMatchTheLibrary) {
  for (double x = -12; x <= 12; x += 0.0625) {
    const auto at = [&](DenseActivation activation) {
      return static_cast<double>(activate(activation, static_cast<float>(x)));
    };
    const double sigmoid = 1 / (1 + std::exp(-x));
    EXPECT_NEAR(at(DenseActivation::kTanh), std::tanh(x), 1e-7);
    EXPECT_NEAR(at(DenseActivation::kSigmoid), sigmoid, 1e-7);
    EXPECT_NEAR(at(DenseActivation::kSilu), x * sigmoid, 1e-6);
    EXPECT_NEAR(at(DenseActivation::kGelu), 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))), 1e-6);
    EXPECT_EQ(at(DenseActivation::kRelu), std::max(x, 0.0));
    EXPECT_EQ(at(DenseActivation::kIdentity), x);
  }
  EXPECT_EQ(activate(DenseActivation::kTanh, -1e30f), -1.0f);
  EXPECT_EQ(activate(DenseActivation::kGelu, 1e30f), 1e30f);
}

TEST(PostModulesTest, NormsHaveTheirLength) {
  std::vector<float> x = {3, 0, 4};
  apply_module(Normalize{}, x);
  EXPECT_THAT(x, testing::ElementsAre(3 / 5.0f, 0, 4 / 5.0f));
  std::vector<float> zero = {0, 0};
  apply_module(Normalize{}, zero);
  EXPECT_THAT(zero, testing::ElementsAre(0, 0));
  const std::vector<float> weight = {2, 2};
  const std::vector<float> bias = {1, 0};
  std::vector<float> y = {5, -5};
  apply_module(VectorNorm{2, weight.data(), bias.data()}, y);
  EXPECT_NEAR(y[0], 3, 1e-5);
  EXPECT_NEAR(y[1], -2, 1e-5);
}

}  // namespace
}  // namespace vecmill::encode
