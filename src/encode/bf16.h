#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "vecmill/encode/pack.h"

namespace vecmill::encode {

/// bf16 is the upper half of an f32. To nearest, ties to even; what is not a normal number becomes
/// 0 of its sign, as processors round, and NaN stays NaN.
[[nodiscard]] inline std::uint16_t to_bf16(float x) {
  constexpr std::uint32_t kExponent = 0x7f800000, kSign = 0x80000000;
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if ((bits & kExponent) == 0) return static_cast<std::uint16_t>((bits & kSign) >> 16);
  if ((bits & ~kSign) > kExponent) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

[[nodiscard]] inline float from_bf16(std::uint16_t x) {
  const std::uint32_t bits = std::uint32_t{x} << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

/// Numbers of a product in bf16 go in pairs along k, each in the place of one float; beside the
/// last of an odd number lies 0.
[[nodiscard]] constexpr std::uint32_t pairs(std::uint32_t k) { return (k + 1) / 2; }

/// What lies in the places of floats.
inline std::uint16_t* halves(float* places) { return reinterpret_cast<std::uint16_t*>(places); }
inline const std::uint16_t* halves(const float* places) {
  return reinterpret_cast<const std::uint16_t*>(places);
}

/// How many floats' places `pack_pairs` fills.
[[nodiscard]] constexpr std::size_t packed_pairs(std::uint32_t out, std::uint32_t in) {
  return std::size_t{padded(out)} * pairs(in);
}

/// As `pack_linear`, in pairs of bf16: [ceil(out/16)][pairs(in)][16][2].
void pack_pairs(const float* weights, std::uint32_t out, std::uint32_t in, std::uint16_t* packed);

}  // namespace vecmill::encode
