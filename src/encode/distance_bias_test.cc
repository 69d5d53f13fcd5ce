#include "vecmill/encode/distance_bias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace vecmill::encode {
namespace {

TEST(DistanceBiasTest, SlopesAreThePublishedOnes) {
  EXPECT_THAT(alibi_slopes(8), testing::ElementsAre(1 / 2.0F, 1 / 4.0F, 1 / 8.0F, 1 / 16.0F,
                                                    1 / 32.0F, 1 / 64.0F, 1 / 128.0F, 1 / 256.0F));
  const std::vector<float> twelve = alibi_slopes(12);
  ASSERT_EQ(twelve.size(), 12u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(twelve[8 + i],
                    static_cast<float>(std::pow(2.0, -0.5 - static_cast<double>(i))));
  }
}

TEST(DistanceBiasTest, AlibiFallsWithTheDistance) {
  Transformer model;
  const std::vector<float> slopes = {0.5F, 0.25F};
  model.heads = 2;
  model.alibi_slopes = slopes.data();
  std::vector<float> distances(2 * 5);
  fill_distances(model, 3, distances.data());
  EXPECT_THAT(distances,
              testing::ElementsAre(-1, -0.5F, 0, -0.5F, -1, -0.5F, -0.25F, 0, -0.25F, -0.5F));
}

TEST(DistanceBiasTest, AWindowIsOpenToBothSides) {
  std::vector<float> distances(9);
  fill_window(2, 5, distances.data());
  for (int d = -4; d <= 4; ++d) {
    EXPECT_EQ(distances[static_cast<std::size_t>(d + 4)] == 0, std::abs(d) <= 2) << d;
  }
  fill_window(7, 5, distances.data());
  EXPECT_THAT(distances, testing::Each(0.0F));
}

}  // namespace
}  // namespace vecmill::encode
