#pragma once

#include <cstddef>
#include <cstdint>

namespace vecmill::encode {

/// Weights are packed in panels of 16 outputs: [ceil(out/16)][in][16], missing outputs are zero.
/// A product then streams each panel once, one cache line per input feature.
inline constexpr std::uint32_t kPanel = 16;

[[nodiscard]] constexpr std::uint32_t padded(std::uint32_t n) {
  return (n + kPanel - 1) / kPanel * kPanel;
}

/// How many floats `pack_linear` writes.
[[nodiscard]] constexpr std::size_t packed_floats(std::uint32_t out, std::uint32_t in) {
  return std::size_t{padded(out)} * in;
}

/// `weights` is [out, in], row-major, as checkpoints have it.
void pack_linear(const float* weights, std::uint32_t out, std::uint32_t in, float* packed);

}  // namespace vecmill::encode
