#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vecmill::encode {

/// A word embedding in whole numbers: for each 32 components a scale in f32, behind them all
/// components as bytes from -127 to 127, filled up with zeros to whole floats. One scale for a
/// row would leave little of rows in which a few components stand out.
inline constexpr std::size_t kCompactBlock = 32;

[[nodiscard]] constexpr std::size_t compact_word_floats(std::size_t width) {
  return (width + kCompactBlock - 1) / kCompactBlock + (width + sizeof(float) - 1) / sizeof(float);
}

/// `out` has compact_word_floats(row.size()) floats' places.
void write_compact_word(std::span<const float> row, std::byte* out);
void read_compact_word(const std::byte* word, std::span<float> row);

}  // namespace vecmill::encode
