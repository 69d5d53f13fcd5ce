#include "vecmill/encode/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "vecmill/encode/kernels/testing.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/quantize_testing.h"

namespace vecmill::encode {
namespace wide_tile {
extern const Kernels kKernels;
}
namespace {

struct Named {
  std::string name;
  const Kernels* kernels;
};

/// Every instruction set of this processor, and the shape of AVX-512 without its instructions.
std::vector<Named> all_kernels() {
  std::vector<Named> all{{"wide_tile", &wide_tile::kKernels}};
  for (const Isa isa : available_isas()) all.push_back({std::string(name(isa)), &kernels(isa)});
  return all;
}

TEST(KernelsTest, EveryInstructionSetIsHereOrNamed) {
  std::string missing;
  for (const Isa isa : all_isas()) {
    const auto chosen = choose_isa(name(isa));
    if (!chosen) missing += "\n" + chosen.error().to_string();
  }
  if (!missing.empty()) GTEST_SKIP() << "not tested:" << missing;
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

constexpr Shape kShapes[] = {{1, 1, 1},    {1, 384, 384}, {2, 32, 16},   {5, 7, 33},
                             {6, 257, 48}, {13, 384, 96}, {12, 64, 100}, {25, 300, 17},
                             {97, 40, 64}, {200, 513, 32}};

struct Case {
  Floats a, weights, panels, bias, scale, residual;
};

Case make_case(const Shape& s) {
  Case c{random_floats(std::size_t{s.rows} * s.k, 1),
         random_floats(std::size_t{s.columns} * s.k, 2),
         Floats(packed_floats(s.columns, s.k)),
         random_floats(padded(s.columns), 3),
         random_floats(s.rows, 4),
         random_floats(std::size_t{s.rows} * s.columns, 5)};
  pack_linear(c.weights.data(), s.columns, s.k, c.panels.data());
  return c;
}

Floats run_product(const Kernels& kernels, const Shape& s, const Case& c, Epilogue epilogue) {
  Floats out;
  Product p = product_into(out, s);
  p.a = c.a.data();
  p.a_stride = s.k;
  p.panels = c.panels.data();
  p.bias = c.bias.data();
  p.scale = c.scale.data();
  p.residual = c.residual.data();
  p.residual_stride = s.columns;
  p.epilogue = epilogue;
  kernels.product(p);
  return out;
}

TEST(KernelsTest, ProductEqualsThePlainLoopBitForBit) {
  for (const auto& [name, kernels] : all_kernels()) {
    for (const Shape& s : kShapes) {
      const Case c = make_case(s);
      const Floats out = run_product(*kernels, s, c, Epilogue::kNone);
      for (std::uint32_t r = 0; r < s.rows; ++r) {
        for (std::uint32_t col = 0; col < s.columns; ++col) {
          float sum = 0;
          for (std::uint32_t k = 0; k < s.k; ++k) {
            sum =
                std::fma(c.a[std::size_t{r} * s.k + k], c.weights[std::size_t{col} * s.k + k], sum);
          }
          const std::size_t at = std::size_t{r} * s.columns + col;
          ASSERT_EQ(out[at], (sum + c.bias[col]) * c.scale[r] + c.residual[at])
              << name << " " << s.rows << "x" << s.k << "x" << s.columns << " at " << r << ","
              << col;
        }
      }
    }
  }
}

TEST(KernelsTest, EveryEpilogueHasTheSameBitsEverywhere) {
  const Shape shape{37, 96, 50};
  const Case c = make_case(shape);
  for (const Epilogue e :
       {Epilogue::kNone, Epilogue::kGeluErf, Epilogue::kGeluErfNear, Epilogue::kGeluTanh,
        Epilogue::kRelu, Epilogue::kSilu, Epilogue::kTanh}) {
    const Floats expected = run_product(kernels(Isa::kPortable), shape, c, e);
    for (const auto& [name, kernels] : all_kernels()) {
      EXPECT_TRUE(same_bits(run_product(*kernels, shape, c, e), expected)) << name;
    }
  }
}

double exact(Epilogue e, double x) {
  switch (e) {
    case Epilogue::kNone: return x;
    case Epilogue::kGeluErf:
    case Epilogue::kGeluErfNear: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Epilogue::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Epilogue::kRelu: return x > 0 ? x : 0;
    case Epilogue::kSilu: return x / (1 + std::exp(-x));
    case Epilogue::kTanh: return std::tanh(x);
  }
  return 0;
}

TEST(KernelsTest, ActivationsAreExactToSinglePrecision) {
  Floats x;
  for (int i = -12000; i <= 12000; ++i) x.push_back(static_cast<float>(i) / 1000);
  for (const Epilogue e : {Epilogue::kGeluErf, Epilogue::kGeluErfNear, Epilogue::kGeluTanh,
                           Epilogue::kRelu, Epilogue::kSilu, Epilogue::kTanh}) {
    const double error = e == Epilogue::kGeluErfNear ? 6e-5 : 4e-7;
    for (const auto& [name, kernels] : all_kernels()) {
      Floats y(x.size());
      kernels->apply(e, x.data(), y.data(), x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double tolerance = error * std::max(1.0, std::abs(double{x[i]}));
        ASSERT_NEAR(y[i], exact(e, x[i]), tolerance) << name << " at " << x[i];
      }
    }
  }
}

TEST(KernelsTest, ExpIsWithinTwoUnitsInTheLastPlace) {
  Floats x;
  for (int i = -90000; i <= 88000; ++i) x.push_back(static_cast<float>(i) / 1000);
  for (const auto& [name, kernels] : all_kernels()) {
    Floats y(x.size());
    kernels->exp(x.data(), y.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = x[i] < -87.0F ? 0.0 : std::exp(double{x[i]});
      ASSERT_NEAR(y[i], expected, expected * 2.4e-7) << name << " at " << x[i];
    }
  }
}

TEST(KernelsTest, SoftmaxSumsToOneAndHasTheSameBitsEverywhere) {
  for (const std::uint32_t keys : {1U, 2U, 15U, 16U, 17U, 100U, 513U}) {
    constexpr std::uint32_t kRows = 5;
    const Floats bias = random_floats(keys + kRows, 9);
    for (const bool with_bias : {false, true}) {
      Floats first;
      for (const auto& [name, kernels] : all_kernels()) {
        Floats scores = random_floats(std::size_t{kRows} * padded(keys), 8, 5.0F);
        Floats inverse(kRows);
        kernels->softmax(Softmax{scores.data(), kRows, keys, 0.25F,
                                 with_bias ? bias.data() + kRows - 1 : nullptr, inverse.data()});
        for (std::uint32_t r = 0; r < kRows; ++r) {
          double sum = 0;
          for (std::uint32_t j = 0; j < padded(keys); ++j) {
            const float e = scores[std::size_t{r} * padded(keys) + j];
            ASSERT_TRUE(j < keys || e == 0.0F);
            sum += e;
          }
          ASSERT_NEAR(sum * inverse[r], 1.0, 1e-6);
        }
        scores.insert(scores.end(), inverse.begin(), inverse.end());
        if (first.empty()) first = scores;
        EXPECT_TRUE(same_bits(scores, first)) << name << " keys " << keys;
      }
    }
  }
}

TEST(KernelsTest, NormIsRightAndHasTheSameBitsEverywhere) {
  for (const std::uint32_t width : {1U, 8U, 16U, 33U, 384U, 1000U}) {
    const Floats x = random_floats(std::size_t{3} * width, 6, 3.0F);
    const Floats weight = random_floats(width, 7), bias = random_floats(width, 8);
    const Floats expected = [&] {
      Floats out(x.size());
      for (std::uint32_t r = 0; r < 3; ++r) {
        double mean = 0, square = 0;
        for (std::uint32_t i = 0; i < width; ++i) mean += x[r * width + i] / double{1.0 * width};
        for (std::uint32_t i = 0; i < width; ++i) {
          square += std::pow(x[r * width + i] - mean, 2) / width;
        }
        for (std::uint32_t i = 0; i < width; ++i) {
          out[r * width + i] = static_cast<float>(
              (x[r * width + i] - mean) / std::sqrt(square + 1e-5) * weight[i] + bias[i]);
        }
      }
      return out;
    }();
    Floats first;
    for (const auto& [name, kernels] : all_kernels()) {
      Floats out(x.size());
      kernels->norm(Norm{x.data(), out.data(), 3, width, weight.data(), bias.data(), 1e-5F});
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], expected[i], 2e-5) << name << " width " << width;
      }
      if (first.empty()) first = out;
      EXPECT_TRUE(same_bits(out, first)) << name << " width " << width;
    }
  }
}

struct Bytes {
  std::vector<std::uint8_t> rows;
  Floats zeros, scales, kept;
};

Bytes to_bytes(const Kernels& kernels, const Floats& x, std::uint32_t width,
               const WholeLinear& weights) {
  const auto rows = static_cast<std::uint32_t>(x.size() / width);
  Bytes found{std::vector<std::uint8_t>(std::size_t{rows} * quads(width) * 4), Floats(rows),
              Floats(rows), Floats(std::size_t{rows} * weights.kept_count)};
  kernels.quantize(Quantize{x.data(), rows, width, &weights, found.rows.data(), found.zeros.data(),
                            found.scales.data(), found.kept.data()});
  return found;
}

/// The second row is above 0, the third below, the first 0.
Floats rows_of_all_signs(std::uint32_t width) {
  Floats x = random_floats(std::size_t{4} * width, 11);
  std::fill_n(x.begin(), width, 0.0F);
  for (std::uint32_t i = 0; i < width; ++i) {
    x[width + i] = std::abs(x[width + i]) + 5;
    x[2 * width + i] = -x[width + i];
  }
  return x;
}

TEST(KernelsTest, BytesAreWithinHalfAStepAndTheSameEverywhere) {
  for (const std::uint32_t width : {1U, 3U, 16U, 31U, 384U, 1001U}) {
    Floats x = rows_of_all_signs(width);
    Floats sizes(width, 1.0F);
    for (std::size_t i = 0; i < width; i += 30) sizes[i] = 3;
    const QuantizedLinear linear =
        quantize_linear(random_floats(width, 1).data(), 1, width, unrelated_inputs(sizes));
    const WholeLinear weights = linear.view();
    for (std::size_t row = 0; row < 4; ++row) {
      for (const std::uint32_t k : linear.kept) x[row * width + k] = 1000;
    }
    const Bytes first = to_bytes(kernels(Isa::kPortable), x, width, weights);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (linear.mask[i % width] == 0) continue;  // its weights in bytes are 0
      const std::size_t row = i / width;
      const int byte = first.rows[row * quads(width) * 4 + i % width];
      const auto value = (static_cast<float>(byte) - first.zeros[row]) * first.scales[row];
      ASSERT_NEAR(value, x[i], first.scales[row] * 0.501F) << width << " at " << i;
    }
    EXPECT_EQ(first.scales[0], 0.0F);
    EXPECT_EQ(first.kept, Floats(4 * linear.kept.size(), 1000.0F));
    for (const auto& [name, kernels] : all_kernels()) {
      const Bytes found = to_bytes(*kernels, x, width, weights);
      EXPECT_EQ(found.rows, first.rows) << name << " width " << width;
      EXPECT_EQ(found.zeros, first.zeros) << name;
      EXPECT_EQ(found.kept, first.kept) << name;
      EXPECT_TRUE(same_bits(found.scales, first.scales)) << name;
    }
  }
}

struct WholeCase {
  Shape shape;
  QuantizedLinear weights;
  Bytes bytes;
  Floats bias;
};

/// The definition: whole sums, less the zeros, then the kept inputs in their order.
float expected_of(const WholeCase& c, std::uint32_t r, std::uint32_t column) {
  const std::size_t stride = std::size_t{quads(c.shape.k)} * 4;
  const std::int8_t* bytes =
      c.weights.panels.data() + column / kPanel * stride * kPanel + column % kPanel * 4;
  std::int64_t sum = 0, of_weights = 0;
  for (std::uint32_t k = 0; k < c.shape.k; ++k) {
    const int weight = bytes[std::size_t{k / 4} * kPanel * 4 + k % 4];
    sum += int{c.bytes.rows[r * stride + k]} * weight;
    of_weights += weight;
  }
  const float less =
      std::fma(-c.bytes.zeros[r], static_cast<float>(of_weights), static_cast<float>(sum));
  float value = less * (c.bytes.scales[r] * c.weights.scales[column]);
  const std::size_t count = c.weights.kept.size();
  for (std::size_t j = 0; j < count; ++j) {
    const std::size_t at = (column / kPanel * count + j) * kPanel + column % kPanel;
    value = std::fma(c.bytes.kept[r * count + j], c.weights.kept_weights[at], value);
  }
  return value + c.bias[column];
}

void expect_whole_product(const WholeCase& c) {
  const Shape& s = c.shape;
  const WholeLinear weights = c.weights.view();
  const Quantized q{&weights, c.bytes.rows.data(), c.bytes.zeros.data(), c.bytes.scales.data(),
                    c.bytes.kept.data()};
  for (const auto& [name, kernels] : all_kernels()) {
    Floats out;
    Product p = product_into(out, s);
    p.quantized = &q;
    p.bias = c.bias.data();
    kernels->product(p);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto r = static_cast<std::uint32_t>(i / s.columns);
      ASSERT_EQ(out[i], expected_of(c, r, static_cast<std::uint32_t>(i % s.columns)))
          << name << " " << s.rows << "x" << s.k << "x" << s.columns << " at " << i;
    }
  }
}

WholeCase make_whole_case(const Shape& s) {
  const Floats a = random_floats(std::size_t{s.rows} * s.k, 1);
  const Floats weights = random_floats(std::size_t{s.columns} * s.k, 2);
  WholeCase c{s,
              quantize_linear(weights.data(), s.columns, s.k,
                              unrelated_inputs({a.begin(), a.begin() + s.k})),
              {},
              random_floats(padded(s.columns), 3)};
  c.bytes = to_bytes(kernels(Isa::kPortable), a, s.k, c.weights.view());
  return c;
}

TEST(KernelsTest, ProductsOfWholeNumbersAreExactOnEveryInstructionSet) {
  for (const Shape& s : kShapes) expect_whole_product(make_whole_case(s));
}

/// Tiles hold 16 rows and 64 of k, at most two of them high and two wide; blocks 768 of k.
TEST(KernelsTest, EveryRemainderOfATileIsExact) {
  constexpr std::uint32_t kDepths[] = {4, 60, 64, 68, 127, 192, 201};
  for (std::uint32_t rows = 1; rows <= 34; ++rows) {
    expect_whole_product(make_whole_case({rows, kDepths[rows % std::size(kDepths)], 16 * 3}));
  }
  for (const std::uint32_t rest : {0U, 1U, 15U}) {
    expect_whole_product(make_whole_case({rest == 1 ? 3U : 20U, 768 + 4 * rest, 33}));
  }
  expect_whole_product(make_whole_case({2, 1540, 17}));
}

/// Bytes of 255 with pairs of weights that add up to 128.
TEST(KernelsTest, TheLargestWholeSumsAreExactToo) {
  const Shape s{7, 514, 33};
  const Bytes bytes{std::vector<std::uint8_t>(std::size_t{s.rows} * quads(s.k) * 4, 255),
                    Floats(s.rows), Floats(s.rows, 0.5F),
                    Floats(std::size_t{s.rows} * most_kept(s.k))};
  for (const float sign : {1.0F, -1.0F}) {
    Floats weights(std::size_t{s.columns} * s.k, sign);
    for (const bool alone : {false, true}) {
      for (std::size_t i = 0; alone && i < weights.size(); i += 2) weights[i] = 0;
      expect_whole_product(
          {s, quantize_linear(weights.data(), s.columns, s.k, unrelated_inputs(Floats(s.k))), bytes,
           random_floats(padded(s.columns), 3)});
    }
  }
}

TEST(KernelsTest, LimitsCountTheirOperations) {
  for (const auto& [name, kernels] : all_kernels()) {
    for (const auto work :
         {kernels->multiply_adds, kernels->byte_multiply_adds, kernels->pair_multiply_adds}) {
      if (work == nullptr) continue;  // the wide tile alone has no pairs
      EXPECT_GT(work(1), 0U) << name;
      EXPECT_EQ(work(6), 6 * work(1)) << name;
    }
  }
}

}  // namespace
}  // namespace vecmill::encode
