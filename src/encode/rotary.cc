#include "vecmill/encode/rotary.h"

#include <cmath>

namespace vecmill::encode {

/// The reference takes each step in single precision, so at position 8000 its cosines are up to
/// 7e-4 off those of the exact angles: models were trained with its angles, and they are rounded as
/// there. A power, sine or cosine is taken in double and rounded once: then no library's last bit
/// matters and a model packed on one machine is the model packed on another.
std::vector<float> rotary_table(const RotaryConfig& config, std::uint32_t positions,
                                std::uint32_t features) {
  const std::uint32_t half = features / 2;
  const auto base = static_cast<float>(config.base * config.ntk_factor);
  const auto divisor = static_cast<float>(std::pow(config.ntk_factor, 2.0 / features));
  std::vector<float> frequencies(half);
  for (std::uint32_t i = 0; i < half; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(features);
    const auto power = static_cast<float>(std::pow(double{base}, double{exponent}));
    frequencies[i] = 1.0F / power / divisor;
  }
  std::vector<float> table(std::size_t{positions} * features);
  for (std::uint32_t position = 0; position < positions; ++position) {
    float* row = table.data() + std::size_t{position} * features;
    for (std::uint32_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(position) * frequencies[i];
      row[i] = static_cast<float>(std::cos(double{angle}));
      row[half + i] = static_cast<float>(std::sin(double{angle}));
    }
  }
  return table;
}

void rotate(const float* table, float* vectors, std::size_t stride, std::uint32_t tokens,
            std::uint32_t features) {
  const std::uint32_t half = features / 2;
  for (std::uint32_t token = 0; token < tokens; ++token) {
    const float* cosines = table + std::size_t{token} * features;
    const float* sines = cosines + half;
    float* low = vectors + token * stride;
    float* high = low + half;
    for (std::uint32_t i = 0; i < half; ++i) {
      const float a = low[i], b = high[i];
      low[i] = a * cosines[i] - b * sines[i];
      high[i] = b * cosines[i] + a * sines[i];
    }
  }
}

}  // namespace vecmill::encode
