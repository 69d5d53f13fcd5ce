#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/isa.h"
#include "vecmill/encode/kernels/testing.h"
#include "vecmill/encode/kernels/tiny_is_zero.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/quantize_testing.h"

namespace vecmill::encode {
namespace soft_tiles {
extern const WholeKernels kWhole;
extern const PairKernels kPairs;
}  // namespace soft_tiles
namespace {

class SoftTilesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!choose_isa("avx512")) GTEST_SKIP() << "this processor does not have AVX-512";
  }
};

/// Heights around one and two tiles, depths around a tile and a block.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{1, 1, 1}, {3, 31, 33}, {20, 400, 48}, {100, 833, 17}, {2, 772, 16}};
  for (std::uint32_t rows = 1; rows <= 34; ++rows) all.push_back({rows, 30 + rows * 3, 48});
  return all;
}

/// 32 inputs at a time: the first halves of the pairs and the second in chains of their own.
float expected_sum(const std::uint16_t* a, const Floats& weights, std::uint32_t k) {
  const TinyIsZero as_in_bf16;
  float sum = 0;
  for (std::uint32_t first = 0; first < k; first += 32) {
    float even = 0, odd = 0;
    for (std::uint32_t i = first; i < std::min(k, first + 32); ++i) {
      float& chain = i % 2 == 0 ? even : odd;
      chain = std::fma(from_bf16(a[i]), from_bf16(to_bf16(weights[i])), chain);
    }
    sum += even + odd;
  }
  return sum;
}

/// In plain code, and the processor's own where it has them.
std::vector<void (*)(const Product&)> pair_products() {
  std::vector<void (*)(const Product&)> all{soft_tiles::kPairs.product};
  if (choose_isa("amx")) all.push_back(kernels(Isa::kAmx).product);
  return all;
}

TEST_F(SoftTilesTest, PairsFindTheirWayIntoTilesAndBack) {
  for (const Shape& s : shapes()) {
    // Two of three cases have rows further apart than they are long, as attention has.
    const std::size_t stride = pairs(s.k) + s.rows % 3;
    const Floats x = random_floats(std::size_t{s.rows} * s.k, 1);
    const Floats weights = random_floats(std::size_t{s.columns} * s.k, 2);
    std::vector<std::uint16_t> a(s.rows * stride * 2, to_bf16(7));
    std::vector<std::uint16_t> panels(2 * packed_pairs(s.columns, s.k));
    for (std::size_t row = 0; row < s.rows; ++row) {
      soft_tiles::kPairs.round(Round{x.data() + row * s.k, 1, s.k, a.data() + row * stride * 2});
    }
    pack_pairs(weights.data(), s.columns, s.k, panels.data());
    Floats out;
    Product p = product_into(out, s);
    p.pairs = true;
    p.a = reinterpret_cast<const float*>(a.data());
    p.panels = reinterpret_cast<const float*>(panels.data());
    p.k = pairs(s.k);
    p.a_stride = stride;
    for (const auto product : pair_products()) {
      {
        const TinyIsZero as_in_bf16;
        product(p);
      }
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t row = i / s.columns, column = i % s.columns;
        const auto from = weights.begin() + static_cast<std::ptrdiff_t>(column * s.k);
        ASSERT_EQ(out[i], expected_sum(a.data() + row * stride * 2, Floats(from, from + s.k), s.k))
            << s.rows << "x" << s.k << "x" << s.columns << " at " << i;
      }
    }
  }
}

TEST_F(SoftTilesTest, BytesGiveTheBitsOfPortableCode) {
  for (const Shape& s : shapes()) {
    const Floats x = random_floats(std::size_t{s.rows} * s.k, 1);
    const Floats source = random_floats(std::size_t{s.columns} * s.k, 2);
    const QuantizedLinear linear = quantize_linear(source.data(), s.columns, s.k,
                                                   unrelated_inputs({x.begin(), x.begin() + s.k}));
    const WholeLinear weights = linear.view();
    std::vector<std::uint8_t> bytes(std::size_t{s.rows} * quads(s.k) * 4);
    Floats zeros(s.rows), scales(s.rows), kept(std::size_t{s.rows} * weights.kept_count), found,
        expected;
    const Kernels& portable = kernels(Isa::kPortable);
    portable.quantize(Quantize{x.data(), s.rows, s.k, &weights, bytes.data(), zeros.data(),
                               scales.data(), kept.data()});
    const Quantized q{&weights, bytes.data(), zeros.data(), scales.data(), kept.data()};
    for (Floats* out : {&found, &expected}) {
      Product p = product_into(*out, s);
      p.quantized = &q;
      out == &found ? soft_tiles::kWhole.product(p) : portable.product(p);
    }
    EXPECT_EQ(found, expected) << s.rows << "x" << s.k << "x" << s.columns;
  }
}

}  // namespace
}  // namespace vecmill::encode
