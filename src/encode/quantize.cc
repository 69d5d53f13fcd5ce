#include "vecmill/encode/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <span>

#include "vecmill/base/check.h"
#include "vecmill/encode/error_feedback.h"
#include "vecmill/encode/pack.h"

namespace vecmill::encode {
namespace {

/// The smallest scale with which every pair of neighbours fits.
float column_scale(std::span<const float> row) {
  constexpr float kMostPair = 127.0F;  // two roundings may add one
  float most = 0;
  for (std::size_t k = 0; k < row.size(); k += 2) {
    const float second = k + 1 < row.size() ? std::abs(row[k + 1]) : 0.0F;
    most = std::max(most, std::abs(row[k]) + second);
  }
  return most / kMostPair;
}

/// One output, whose weights, in the order of the feedback, are used up; `column` is its first byte
/// in its panel, where all are still 0. The sum of its bytes.
std::int32_t quantize_row(std::span<float> ordered, float scale, const ErrorFeedback& feedback,
                          std::int8_t* column) {
  std::int32_t sum = 0;
  if (scale == 0) return sum;
  const auto byte = [column](std::size_t k) -> std::int8_t& {
    return column[k / 4 * kPanel * 4 + k % 4];
  };
  for (std::size_t n = 0; n < ordered.size(); ++n) {
    const std::size_t k = feedback.order()[n];
    const auto most = static_cast<float>(std::min(127, 128 - std::abs(byte(k ^ 1))));
    const float q = std::clamp(std::nearbyint(ordered[n] / scale), -most, most);
    feedback.spread(ordered[n] - q * scale, n, ordered);
    byte(k) = static_cast<std::int8_t>(q);
    sum += byte(k);
  }
  return sum;
}

}  // namespace

WholeLinear QuantizedLinear::view() const {
  return {panels.data(),
          scales.data(),
          sums.data(),
          mask.data(),
          kept.data(),
          kept_weights.data(),
          static_cast<std::uint32_t>(kept.size())};
}

QuantizedLinear quantize_linear(const float* weights, std::uint32_t out, std::uint32_t in,
                                const InputStatistics& statistics) {
  VECMILL_CHECK(statistics.most.size() == in);
  const std::vector<std::uint32_t> kept = statistics.outliers(most_kept(in));
  QuantizedLinear result;
  result.panels.resize(std::size_t{padded(out)} * quads(in) * 4);
  result.scales.resize(padded(out));
  result.sums.resize(padded(out));
  result.mask.assign(in, 1.0F);
  result.kept = kept;
  result.kept_weights.resize(std::size_t{padded(out)} * kept.size());
  for (const std::uint32_t k : kept) result.mask[k] = 0;
  const ErrorFeedback feedback(statistics, result.mask);
  std::vector<float> row(in), ordered(in);
  for (std::uint32_t c = 0; c < out; ++c) {
    const float* source = weights + std::size_t{c} * in;
    std::ranges::transform(std::span(source, in), result.mask, row.begin(), std::multiplies<>{});
    const std::size_t panel = c / kPanel;
    for (std::size_t j = 0; j < kept.size(); ++j) {
      result.kept_weights[(panel * kept.size() + j) * kPanel + c % kPanel] = source[kept[j]];
    }
    result.scales[c] = column_scale(row);
    std::ranges::transform(feedback.order(), ordered.begin(), [&row](auto k) { return row[k]; });
    result.sums[c] = quantize_row(
        ordered, result.scales[c], feedback,
        result.panels.data() + panel * quads(in) * 4 * kPanel + std::size_t{c % kPanel} * 4);
  }
  return result;
}

}  // namespace vecmill::encode
