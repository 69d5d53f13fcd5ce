#include "vecmill/encode/bf16_speed.h"

#include <algorithm>
#include <vector>

#include "vecmill/base/resources.h"
#include "vecmill/encode/bf16.h"
#include "vecmill/encode/linear_product.h"

namespace vecmill::encode {
namespace {

constexpr std::uint32_t kRows = 48, kWidth = 384;

/// Zeros would be faster on some processors than numbers are.
std::vector<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 61) / 61 - 0.5F;
  return values;
}

/// One map in both formats, and what goes into it.
class Contest {
 public:
  explicit Contest(const Kernels& kernels) : kernels_(kernels) {
    pack_linear(weights_.data(), kWidth, kWidth, packed_.data());
    pack_pairs(weights_.data(), kWidth, kWidth, halves(pairs_.data()));
  }

  double seconds(bool in_bf16) {
    const double start = thread_seconds();
    Linear linear{in_bf16 ? pairs_.data() : packed_.data(), nullptr, kWidth, kWidth};
    linear.pairs = in_bf16;
    if (in_bf16) kernels_.round(Round{rows_.data(), kRows, kWidth, halves(rounded_.data())});
    kernels_.product(
        linear_product(linear, in_bf16 ? rounded_.data() : rows_.data(), kRows, out_.data()));
    return thread_seconds() - start;
  }

 private:
  const Kernels& kernels_;
  const std::vector<float> weights_ = numbers(std::size_t{kWidth} * kWidth);
  std::vector<float> rows_ = numbers(std::size_t{kRows} * kWidth);
  std::vector<float> rounded_ = std::vector<float>(std::size_t{kRows} * pairs(kWidth));
  std::vector<float> packed_ = std::vector<float>(packed_floats(kWidth, kWidth));
  std::vector<float> pairs_ = std::vector<float>(packed_pairs(kWidth, kWidth));
  std::vector<float> out_ = std::vector<float>(std::size_t{kRows} * kWidth);
};

}  // namespace

double bf16_speed(const Kernels& kernels) {
  constexpr std::size_t kRounds = 15, kFewest = 3;
  constexpr double kEnoughSeconds = 0.1;
  Contest contest(kernels);
  std::vector<double> exact, close;
  double spent = 0;
  while (exact.size() < kFewest || (exact.size() < kRounds && spent < kEnoughSeconds)) {
    exact.push_back(contest.seconds(false));
    close.push_back(contest.seconds(true));
    spent += exact.back() + close.back();
  }
  std::ranges::sort(exact);
  std::ranges::sort(close);
  return exact[exact.size() / 2] / std::max(close[close.size() / 2], 1e-9);
}

}  // namespace vecmill::encode
