#include "vecmill/encode/post_modules.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include "vecmill/base/check.h"

namespace vecmill::encode {
namespace {

/// e^x to about 1e-15 with plain operations only: libm may take another path on another processor.
double exp_plain(double x) {
  x = std::clamp(x, -700.0, 700.0);
  const double k = std::floor(x * std::numbers::log2e + 0.5);
  const double r = (x - k * 0x1.62e42fefa38p-1) - k * 0x1.ef35793c7673p-45;  // ln 2 in two parts
  double sum = 1;
  for (int n = 14; n > 0; --n) sum = 1 + sum * r / n;
  return std::ldexp(sum, static_cast<int>(k));
}

/// 2/sqrt(pi) e^(-x^2) sum of (2 x^2)^n x / (2n+1)!!: all terms positive, so nothing cancels.
double erf_plain(double x) {
  const double a = std::abs(x);
  if (a > 6) return x < 0 ? -1 : 1;
  double term = a;
  double sum = a;
  for (int n = 1; term > sum * 1e-17; ++n) {
    term *= 2 * a * a / (2 * n + 1);
    sum += term;
  }
  const double value = 2 * std::numbers::inv_sqrtpi * exp_plain(-a * a) * sum;
  return x < 0 ? -value : value;
}

double tanh_plain(double x) {
  const double e = exp_plain(-2 * std::abs(x));
  const double value = (1 - e) / (1 + e);
  return x < 0 ? -value : value;
}

double sigmoid_plain(double x) { return 1 / (1 + exp_plain(-x)); }

/// y += x · weight, each sum over the inputs in their order.
void multiply(const float* weight, const std::vector<float>& x, std::vector<float>& y) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    const float* w = weight + k * y.size();
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += x[k] * w[o];
  }
}

}  // namespace

float activate(DenseActivation activation, float x) {
  const double v = x;
  switch (activation) {
    case DenseActivation::kIdentity: return x;
    case DenseActivation::kTanh: return static_cast<float>(tanh_plain(v));
    case DenseActivation::kRelu: return std::max(x, 0.0f);
    case DenseActivation::kGelu:
      return static_cast<float>(0.5 * v * (1 + erf_plain(v * std::numbers::sqrt2 / 2)));
    case DenseActivation::kSigmoid: return static_cast<float>(sigmoid_plain(v));
    case DenseActivation::kSilu: return static_cast<float>(v * sigmoid_plain(v));
  }
  return x;
}

void apply_module(const Dense& dense, std::vector<float>& x) {
  VECMILL_CHECK(x.size() == dense.in);
  std::vector<float> y(dense.out, 0.0f);
  multiply(dense.weight, x, y);
  for (std::size_t o = 0; o < y.size(); ++o) {
    y[o] = activate(dense.activation, dense.bias == nullptr ? y[o] : y[o] + dense.bias[o]);
  }
  if (dense.add_input) {
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += x[o];
  } else if (dense.residual != nullptr) {
    std::vector<float> z(dense.out, 0.0f);
    multiply(dense.residual, x, z);
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += z[o];
  }
  x = std::move(y);
}

void apply_module(const VectorNorm& norm, std::vector<float>& x) {
  VECMILL_CHECK(x.size() == norm.dims);
  double sum = 0;
  for (const float v : x) sum += v;
  const double mean = sum / norm.dims;
  double squares = 0;
  for (const float v : x) squares += (v - mean) * (v - mean);
  const double scale = 1 / std::sqrt(squares / norm.dims + 1e-5);  // torch's default epsilon
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>((x[i] - mean) * scale) * norm.weight[i] + norm.bias[i];
  }
}

void apply_module(const Normalize&, std::vector<float>& x) { normalize(x.data(), x.size()); }

void normalize(float* x, std::size_t count) {
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) squares += static_cast<double>(x[i]) * x[i];
  const auto length = static_cast<float>(std::max(std::sqrt(squares), 1e-12));
  for (std::size_t i = 0; i < count; ++i) x[i] /= length;
}

}  // namespace vecmill::encode
