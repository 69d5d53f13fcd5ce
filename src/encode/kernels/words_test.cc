// Products of words against plain loops, and how rows and probabilities become words.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/kernels/testing.h"

namespace vecmill::encode {
namespace {

using Words16 = std::vector<std::int16_t>;

constexpr Shape kShapes[] = {{1, 1, 1},    {1, 384, 384}, {2, 32, 16},   {5, 7, 33},
                             {6, 257, 48}, {13, 128, 96}, {12, 64, 100}, {25, 301, 17},
                             {97, 40, 64}, {200, 813, 32}};

struct Case {
  Shape shape;
  std::int32_t most;
  Words16 rows;    ///< [rows, pairs(k) * 2]
  Words16 panels;  ///< [ceil(columns / 16)][pairs(k)][16][2]
};

/// Random ones, or each the largest.
Case make_case(const Shape& s, bool largest) {
  Case c{s, most_word(s.k), Words16(std::size_t{s.rows} * pairs(s.k) * 2),
         Words16(2 * packed_pairs(s.columns, s.k))};
  std::mt19937 random(1);
  std::uniform_int_distribution<int> words(-c.most, c.most);
  const auto word = [&] { return static_cast<std::int16_t>(largest ? c.most : words(random)); };
  std::ranges::generate(c.rows, word);
  std::ranges::generate(c.panels, word);
  return c;
}

float expected_of(const Case& c, std::size_t row, std::uint32_t column) {
  const std::uint32_t depth = pairs(c.shape.k), blocks = (depth + kWordBlock - 1) / kWordBlock;
  const std::int16_t* a = c.rows.data() + row * depth * 2;
  const std::int16_t* w =
      c.panels.data() + (std::size_t{column / kPanel} * depth * kPanel + column % kPanel) * 2;
  float all = 0;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    std::int64_t sum = 0;
    for (std::uint32_t i = depth * b / blocks; i < depth * (b + 1) / blocks; ++i) {
      for (std::uint32_t half = 0; half < 2; ++half) {
        sum += a[i * 2 + half] * w[std::size_t{i} * kPanel * 2 + half];
      }
    }
    EXPECT_LE(std::abs(sum), INT32_MAX);
    all = b == 0 ? static_cast<float>(sum) : static_cast<float>(sum) + all;
  }
  return all;
}

TEST(WordsTest, ProductEqualsThePlainLoopBitForBit) {
  for (const Shape& s : kShapes) {
    for (const bool largest : {false, true}) {
      const Case c = make_case(s, largest);
      const Floats scale = random_floats(s.rows, 2);
      for (const Isa isa : available_isas()) {
        Floats out;
        Product p = product_into(out, s);
        p.words = true;
        p.a = reinterpret_cast<const float*>(c.rows.data());
        p.panels = reinterpret_cast<const float*>(c.panels.data());
        p.a_stride = p.k = pairs(s.k);
        p.scale = scale.data();
        kernels(isa).product(p);
        for (std::size_t i = 0; i < out.size(); ++i) {
          const std::size_t row = i / s.columns;
          ASSERT_EQ(out[i],
                    expected_of(c, row, static_cast<std::uint32_t>(i % s.columns)) * scale[row])
              << name(isa) << " " << s.rows << "x" << s.k << "x" << s.columns << " at " << i;
        }
      }
    }
  }
}

TEST(WordsTest, TheLargestMagnitudeOfRowsTakesAllOfTheWord) {
  const Floats x = random_floats(4000, 3);
  for (const std::uint32_t width : {1U, 2U, 15U, 16U, 33U, 400U}) {
    constexpr std::size_t kApart = 401;
    constexpr std::uint32_t kRows = 9;
    float top = 0;
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t i = 0; i < width; ++i) top = std::max(top, std::abs(x[row * kApart + i]));
    }
    for (const Isa isa : available_isas()) {
      Words16 found(std::size_t{kRows} * pairs(width) * 2 + 1, 7);
      const float unit = kernels(isa).words({x.data(), kRows, width, kApart, found.data(), 5000});
      EXPECT_EQ(unit, top / 5000);
      EXPECT_EQ(found.back(), 7) << "nothing behind the rows";
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t i = 0; i < pairs(width) * 2; ++i) {
          const float expected =
              i < width ? std::nearbyint(x[row * kApart + i] * (5000.0F / top)) : 0.0F;
          ASSERT_EQ(found[row * pairs(width) * 2 + i], expected) << name(isa) << " width " << width;
        }
      }
    }
  }
}

TEST(WordsTest, RowsOfNothingAreNothing) {
  for (const Isa isa : available_isas()) {
    for (const float tiny : {0.0F, 1e-39F}) {
      const Floats x(20, tiny);
      Words16 found(20, 7);
      EXPECT_LT(kernels(isa).words({x.data(), 1, 20, 20, found.data(), 5000}), 1e-30F);
      EXPECT_EQ(found, Words16(20, 0)) << name(isa);
    }
  }
}

TEST(WordsTest, ProbabilitiesAreRoundedAndAddUpToTheirSum) {
  constexpr std::uint32_t kRows = 5;
  const double most = std::exp2(11.99);
  for (const std::uint32_t keys : {1U, 16U, 45U}) {
    const std::size_t stride = padded(keys);
    const Floats scores = random_floats(kRows * stride, 4, 3.0F);
    const Floats bias = random_floats(keys + kRows, 5);
    Words16 first;
    for (const Isa isa : available_isas()) {
      Floats exact = scores, left = scores, exact_sums(kRows), inverse(kRows);
      Words16 words(kRows * stride, 7);
      Softmax work{exact.data(), kRows, keys, 0.5F, bias.data() + kRows, exact_sums.data()};
      kernels(isa).softmax(work);
      work.scores = left.data();
      work.inverse_sums = inverse.data();
      work.unit = 0.25F;
      work.words = words.data();
      kernels(isa).softmax(work);
      for (std::size_t row = 0; row < kRows; ++row) {
        float sum = 0;
        for (std::size_t i = row * stride; i < (row + 1) * stride; ++i) {
          ASSERT_NEAR(words[i], exact[i] * most, 0.501 + 1e-4 * exact[i] * most) << name(isa);
          sum += words[i];
        }
        EXPECT_EQ(inverse[row], 0.25F / sum) << name(isa);
      }
      if (first.empty()) first = words;
      EXPECT_EQ(words, first) << name(isa);
    }
  }
}

}  // namespace
}  // namespace vecmill::encode
