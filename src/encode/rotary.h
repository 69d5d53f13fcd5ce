#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vecmill::encode {

/// Rotary position embedding: feature i and feature i + features / 2 of a query or key turn by
/// position * frequency i, frequency i = 1 / base^(2 i / features).
struct RotaryConfig {
  double base = 10000;
  double ntk_factor = 1;  ///< frequencies of base * factor, each divided by factor^(2 / features)
};

/// [positions, features]: for each position the cosines of features / 2 angles, then their sines.
[[nodiscard]] std::vector<float> rotary_table(const RotaryConfig& config, std::uint32_t positions,
                                              std::uint32_t features);

/// Turns `tokens` vectors, `stride` floats apart, in place; the first has position 0.
void rotate(const float* table, float* vectors, std::size_t stride, std::uint32_t tokens,
            std::uint32_t features);

}  // namespace vecmill::encode
