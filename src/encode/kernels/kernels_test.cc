#include "vecmill/encode/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "vecmill/encode/pack.h"

namespace vecmill::encode {
namespace wide_tile {
extern const Kernels kKernels;
}
namespace {

using Floats = std::vector<float>;

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

Floats random_floats(std::size_t count, unsigned seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  Floats values(count);
  for (float& value : values) value = normal(random);
  return values;
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Shape {
  std::uint32_t rows, k, columns;
};

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
  Floats out(std::size_t{s.rows} * s.columns);
  Product p;
  p.a = c.a.data();
  p.a_stride = s.k;
  p.panels = c.panels.data();
  p.rows = s.rows;
  p.k = s.k;
  p.columns = s.columns;
  p.last_panel = padded(s.columns) / kPanel;
  p.bias = c.bias.data();
  p.scale = c.scale.data();
  p.residual = c.residual.data();
  p.residual_stride = s.columns;
  p.epilogue = epilogue;
  p.out = out.data();
  p.out_stride = s.columns;
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
  for (const Epilogue e : {Epilogue::kNone, Epilogue::kGeluErf, Epilogue::kGeluTanh,
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
    case Epilogue::kGeluErf: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
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
  for (const Epilogue e : {Epilogue::kGeluErf, Epilogue::kGeluTanh, Epilogue::kRelu,
                           Epilogue::kSilu, Epilogue::kTanh}) {
    for (const auto& [name, kernels] : all_kernels()) {
      Floats y(x.size());
      kernels->apply(e, x.data(), y.data(), x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double tolerance = 4e-7 * std::max(1.0, std::abs(double{x[i]}));
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

}  // namespace
}  // namespace vecmill::encode
