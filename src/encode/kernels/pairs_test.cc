// Products in bf16 against plain loops: the definition is what VDPBF16PS does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/kernels/testing.h"
#include "vecmill/encode/kernels/tiny_is_zero.h"

namespace vecmill::encode {
namespace {

using Halves = std::vector<std::uint16_t>;

/// Those that have the bits of the definition: AMX adds in another order.
std::vector<Isa> all_sets() {
  std::vector<Isa> all = available_isas();
  std::erase(all, Isa::kAmx);
  return all;
}

std::uint32_t bits(float x) {
  std::uint32_t result;
  std::memcpy(&result, &x, sizeof result);
  return result;
}
float from_bits(std::uint32_t x) {
  float result;
  std::memcpy(&result, &x, sizeof result);
  return result;
}

TEST(Bf16Test, RoundsToTheNearestAndTiesToEven) {
  struct Case {
    std::uint32_t from;
    std::uint16_t to;
  };
  constexpr Case kCases[] = {
      {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80},
      {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0xbf80ffff, 0xbf81}, {0x7f7fffff, 0x7f80},
      {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x00800000, 0x0080}, {0x007fffff, 0x0000},
      {0x80400000, 0x8000}, {0x7fc12345, 0x7fc1}, {0x7f800001, 0x7fc0}, {0xff812345, 0xffc1}};
  for (const Case& c : kCases) EXPECT_EQ(to_bf16(from_bits(c.from)), c.to) << std::hex << c.from;
  for (std::uint32_t x = 0; x < 0x10000; ++x) {
    const auto half = static_cast<std::uint16_t>(x);
    const bool tiny = (x & 0x7f80) == 0, nan = (x & 0x7fff) > 0x7f80;
    const std::uint32_t expected = tiny ? x & 0x8000 : nan ? x | 0x40 : x;
    EXPECT_EQ(to_bf16(from_bf16(half)), expected) << x;
  }
}

TEST(PairsTest, EveryInstructionSetRoundsRowsAsTheDefinition) {
  Floats x = random_floats(4000, 1);
  std::mt19937 random(2);
  for (std::size_t i = 0; i < 2000; ++i) x[i] = from_bits(static_cast<std::uint32_t>(random()));
  for (const std::uint32_t width : {1U, 2U, 15U, 16U, 33U, 400U}) {
    const auto rows = static_cast<std::uint32_t>(x.size()) / width;
    for (const Isa isa : all_sets()) {
      Halves found(std::size_t{rows} * pairs(width) * 2, 7);
      kernels(isa).round(Round{x.data(), rows, width, found.data()});
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < pairs(width) * 2; ++i) {
          const std::uint16_t expected = i < width ? to_bf16(x[row * width + i]) : 0;
          ASSERT_EQ(found[row * pairs(width) * 2 + i], expected)
              << name(isa) << " width " << width << " at " << std::hex << bits(x[row * width + i]);
        }
      }
    }
  }
}

constexpr Shape kShapes[] = {{1, 1, 1},    {1, 384, 384}, {2, 32, 16},   {5, 7, 33},
                             {6, 257, 48}, {13, 384, 96}, {12, 64, 100}, {25, 301, 17},
                             {97, 40, 64}, {200, 813, 32}};

struct Case {
  Shape shape;
  Halves rows;    ///< [rows, pairs(k) * 2]
  Halves panels;  ///< as `pack_pairs` lays them out
  Floats bias;
};

Case make_case(const Shape& s, const Floats& a, const Floats& weights) {
  Case c{s, Halves(std::size_t{s.rows} * pairs(s.k) * 2), Halves(2 * packed_pairs(s.columns, s.k)),
         random_floats(padded(s.columns), 3)};
  kernels(Isa::kPortable).round(Round{a.data(), s.rows, s.k, c.rows.data()});
  pack_pairs(weights.data(), s.columns, s.k, c.panels.data());
  return c;
}

Product product_of(const Case& c, Floats& out) {
  Product p = product_into(out, c.shape);
  p.pairs = true;
  p.a = reinterpret_cast<const float*>(c.rows.data());
  p.panels = reinterpret_cast<const float*>(c.panels.data());
  p.a_stride = p.k = pairs(c.shape.k);
  p.bias = c.bias.data();
  return p;
}

/// One step of the chain: rounded once, and 0 where the result is not a normal number.
float step(std::uint16_t a, std::uint16_t b, float sum) {
  const TinyIsZero as_in_bf16;
  const volatile float x = from_bf16(a), y = from_bf16(b), z = sum;
  const volatile float result = std::fma(x, y, z);
  return result;
}

float expected_of(const Case& c, std::uint32_t r, std::uint32_t column) {
  const std::size_t depth = pairs(c.shape.k);
  float sum = 0;
  for (std::size_t pair = 0; pair < depth; ++pair) {
    const std::uint16_t* a = c.rows.data() + (r * depth + pair) * 2;
    const std::uint16_t* b =
        c.panels.data() + ((column / kPanel * depth + pair) * kPanel + column % kPanel) * 2;
    sum = step(a[0], b[0], step(a[1], b[1], sum));
  }
  return sum + c.bias[column];
}

void expect_the_definition(const Case& c) {
  Floats expected(std::size_t{c.shape.rows} * c.shape.columns);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto r = static_cast<std::uint32_t>(i / c.shape.columns);
    expected[i] = expected_of(c, r, static_cast<std::uint32_t>(i % c.shape.columns));
  }
  for (const Isa isa : all_sets()) {
    Floats out;
    kernels(isa).product(product_of(c, out));
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(bits(out[i]), bits(expected[i]))
          << name(isa) << " " << c.shape.rows << "x" << c.shape.k << "x" << c.shape.columns
          << " at " << i;
    }
  }
}

TEST(PairsTest, ProductEqualsThePlainLoopBitForBit) {
  for (const Shape& s : kShapes) {
    expect_the_definition(make_case(s, random_floats(std::size_t{s.rows} * s.k, 1),
                                    random_floats(std::size_t{s.columns} * s.k, 2)));
  }
}

/// Numbers whose products and sums are around the smallest normal one, and their kin.
TEST(PairsTest, NumbersTooSmallToBeNormalAreZeroEverywhere) {
  const Shape s{40, 6, 48};
  for (const float scale : {1e-18F, 1e-19F, 3e-20F, 1e-38F}) {
    Case c = make_case(s, random_floats(std::size_t{s.rows} * s.k, 4, scale),
                       random_floats(std::size_t{s.columns} * s.k, 5, scale));
    std::ranges::fill(c.bias, 0.0F);
    std::mt19937 random(6);
    for (std::uint16_t& half : c.rows) {
      if (random() % 8 == 0) half = static_cast<std::uint16_t>(random() & 0x80ff);
    }
    for (std::uint16_t& half : c.panels) {
      if (random() % 8 == 0) half = static_cast<std::uint16_t>(random() & 0x80ff);
      if (random() % 8 == 0) half = static_cast<std::uint16_t>(0x7e00 | (random() & 0x80ff));
    }
    expect_the_definition(c);
  }
}

/// The largest sum that rounds to a number below the smallest normal one, and the next.
TEST(PairsTest, WhatRoundsUpToTheSmallestNormalNumberStays) {
  const Shape s{1, 4, 16};
  const float least = std::ldexp(1.0F, -126);
  for (const int below : {22, 23, 24, 25, 26}) {
    const Floats a{0, least, std::ldexp(-1.0F, -126), 0};
    Floats weights(std::size_t{s.columns} * s.k, 1.0F);
    for (std::size_t c = 0; c < s.columns; ++c) weights[c * s.k + 2] = std::ldexp(1.0F, -below);
    Case one = make_case(s, a, weights);
    std::ranges::fill(one.bias, 0.0F);
    expect_the_definition(one);
    EXPECT_EQ(expected_of(one, 0, 0), below < 25 ? 0.0F : least) << below;
  }
}

TEST(PairsTest, EveryEpilogueHasTheSameBitsEverywhere) {
  const Shape s{37, 96, 50};
  const Case c = make_case(s, random_floats(std::size_t{s.rows} * s.k, 1, 3.0F),
                           random_floats(std::size_t{s.columns} * s.k, 2));
  const Floats residual = random_floats(std::size_t{s.rows} * s.columns, 8);
  for (const Epilogue e : {Epilogue::kNone, Epilogue::kGeluErf, Epilogue::kGeluTanh,
                           Epilogue::kRelu, Epilogue::kSilu, Epilogue::kTanh}) {
    Floats first;
    for (const Isa isa : all_sets()) {
      Floats out;
      Product p = product_of(c, out);
      p.epilogue = e;
      p.residual = residual.data();
      p.residual_stride = s.columns;
      kernels(isa).product(p);
      if (first.empty()) first = out;
      EXPECT_EQ(std::memcmp(out.data(), first.data(), out.size() * sizeof(float)), 0) << name(isa);
    }
  }
}

TEST(PairsTest, AProductLeavesTheThreadAsItWas) {
  const Shape s{2, 4, 16};
  const Case c = make_case(s, Floats(8, 1.0F), Floats(64, 1.0F));
  for (const Isa isa : all_sets()) {
    Floats out;
    kernels(isa).product(product_of(c, out));
    volatile float tiny = std::ldexp(1.0F, -126);
    tiny = tiny / 4;
    EXPECT_NE(bits(tiny), 0U) << name(isa);
  }
}

}  // namespace
}  // namespace vecmill::encode
