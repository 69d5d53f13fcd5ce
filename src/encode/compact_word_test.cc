#include "vecmill/encode/compact_word.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace vecmill::encode {
namespace {

/// As it is read again.
std::vector<float> through_bytes(const std::vector<float>& row) {
  std::vector<std::byte> word(compact_word_floats(row.size()) * sizeof(float), std::byte{0xA5});
  write_compact_word(row, word.data());
  std::vector<float> read(row.size(), NAN);
  read_compact_word(word.data(), read);
  return read;
}

TEST(CompactWordTest, EachComponentIsWithinHalfAStepOfItsBlock) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const std::size_t width : {1U, 31U, 32U, 33U, 384U, 1000U}) {
    std::vector<float> row(width);
    for (float& x : row) x = normal(random);
    row[width / 2] = -50;  // which leaves other blocks alone
    const auto read = through_bytes(row);
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t first = i / kCompactBlock * kCompactBlock;
      float most = 0;
      for (std::size_t j = first; j < std::min(first + kCompactBlock, width); ++j) {
        most = std::max(most, std::fabs(row[j]));
      }
      EXPECT_LE(std::fabs(read[i] - row[i]), 0.5001F * most / 127) << width << ": " << i;
    }
  }
}

TEST(CompactWordTest, ZerosAndTheSmallestNumbersStayNumbers) {
  const std::vector<float> zeros(40);
  EXPECT_EQ(through_bytes(zeros), zeros);
  std::vector<float> tiny(40, 1e-45F);
  tiny[3] = -1e-45F;
  for (const float x : through_bytes(tiny)) EXPECT_LE(std::fabs(x), 1e-43F);
}

}  // namespace
}  // namespace vecmill::encode
