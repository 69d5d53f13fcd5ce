#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vecmill/encode/input_statistics.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::encode {

/// Bytes of a quantized product go in groups of four along k.
[[nodiscard]] constexpr std::uint32_t quads(std::uint32_t k) { return (k + 3) / 4; }

/// So many inputs of a quantized product may stay in f32: so few that they cost little, yet what
/// they hold makes half of the error.
[[nodiscard]] constexpr std::uint32_t most_kept(std::uint32_t in) {
  return std::clamp(in / 48, 2U, 32U);
}

/// A matrix in whole numbers, about bytes * scales[c], but for the kept inputs.
struct QuantizedLinear {
  std::vector<std::int8_t> panels;  ///< [ceil(out/16)][quads(in)][16][4]
  std::vector<float> scales;        ///< [padded(out)]
  std::vector<std::int32_t> sums;   ///< [padded(out)], of each output's bytes
  std::vector<float> mask;          ///< [in]: 0 for kept inputs, else 1
  std::vector<std::uint32_t> kept;
  std::vector<float> kept_weights;  ///< [ceil(out/16)][kept][16]

  [[nodiscard]] WholeLinear view() const;
};

/// `weights` is [out, in], row-major. The kept inputs are the outliers of the statistics, which
/// also tell how weights make up for the rounding of others.
///
/// The magnitudes of two neighbours along k (2i, 2i + 1) add up to at most 128, so that processors
/// that add their products with unsigned bytes in 16 bits do so exactly. It costs less than half a
/// bit: two neighbours are rarely large at once.
[[nodiscard]] QuantizedLinear quantize_linear(const float* weights, std::uint32_t out,
                                              std::uint32_t in, const InputStatistics& statistics);

}  // namespace vecmill::encode
