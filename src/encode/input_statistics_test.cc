#include "vecmill/encode/input_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace vecmill::encode {
namespace {

using testing::ElementsAre;

TEST(InputStatisticsTest, OutliersOverAllRows) {
  InputStatistics statistics;
  const float a[] = {1, -9, 0, 3, 1, /**/ 2, 0, -4, 0, 2};
  const float b[] = {0, 0, 0, 8, 4};
  statistics.add(a, 2, 5);
  statistics.add(b, 1, 5);
  EXPECT_THAT(statistics.outliers(0), ElementsAre());
  EXPECT_THAT(statistics.outliers(1), ElementsAre(1));
  EXPECT_THAT(statistics.outliers(2), ElementsAre(1));
  const float c[] = {0, 0, 0, 8.5F, 0};
  statistics.add(c, 1, 5);
  EXPECT_THAT(statistics.outliers(4), ElementsAre(1, 3)) << "above twice the median of 4";
}

TEST(InputStatisticsTest, ProductsWithinABlock) {
  InputStatistics statistics;
  constexpr std::uint32_t kInputs = kGramBlock + 2;
  std::vector<float> rows(std::size_t{2} * kInputs);
  rows[1] = 2, rows[3] = 5, rows[kGramBlock] = 7, rows[kGramBlock + 1] = -1;
  rows[kInputs + 1] = 4, rows[kInputs + 3] = 10;
  statistics.add(rows.data(), 2, kInputs);
  const auto gram = [&](std::size_t i, std::size_t j) {
    return statistics.gram[i * kGramBlock + j];
  };
  EXPECT_EQ(gram(1, 1), 4 + 16);
  EXPECT_EQ(gram(3, 1), 10 + 40);
  EXPECT_EQ(gram(kGramBlock, 0), 49);
  EXPECT_EQ(gram(kGramBlock + 1, 0), -7);
  EXPECT_EQ(gram(kGramBlock + 1, 1), 1);
}

TEST(InputStatisticsTest, SharesOfACrewAndPartsOfTheRowsGiveTheSameBits) {
  constexpr std::uint32_t kInputs = kGramBlock + 5, kCount = 39;
  std::vector<float> rows(std::size_t{kCount} * kInputs);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::sin(static_cast<float>(i));
  InputStatistics alone, crew, parts;
  alone.add(rows.data(), kCount, kInputs);
  for (std::uint32_t rank = 0; rank < 3; ++rank) {
    crew.add(rows.data(), kCount, kInputs, {rank, 3, nullptr});
  }
  parts.add(rows.data(), 7, kInputs);
  parts.add(rows.data() + std::size_t{7} * kInputs, kCount - 7, kInputs);
  EXPECT_EQ(crew.gram, alone.gram);
  EXPECT_EQ(crew.most, alone.most);
  EXPECT_EQ(parts.gram, alone.gram);
  EXPECT_EQ(parts.most, alone.most);
}

}  // namespace
}  // namespace vecmill::encode
