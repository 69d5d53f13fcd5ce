#include "vecmill/encode/compact_word.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vecmill::encode {
namespace {

constexpr float kLevels = 127;

std::size_t blocks(std::size_t width) { return (width + kCompactBlock - 1) / kCompactBlock; }

/// Returns the scale.
float write_block(std::span<const float> block, std::byte* out) {
  float most = 0;
  for (const float x : block) most = std::max(most, std::fabs(x));
  const float scale = most / kLevels;
  for (const float x : block) {
    const float level = scale > 0 ? std::clamp(std::nearbyint(x / scale), -kLevels, kLevels) : 0;
    *out++ = static_cast<std::byte>(static_cast<std::int8_t>(level));
  }
  return scale;
}

}  // namespace

void write_compact_word(std::span<const float> row, std::byte* out) {
  std::memset(out, 0, compact_word_floats(row.size()) * sizeof(float));
  std::byte* bytes = out + blocks(row.size()) * sizeof(float);
  for (std::size_t at = 0; at < row.size(); at += kCompactBlock) {
    const std::size_t count = std::min(kCompactBlock, row.size() - at);
    const float scale = write_block(row.subspan(at, count), bytes + at);
    std::memcpy(out, &scale, sizeof scale);
    out += sizeof scale;
  }
}

void read_compact_word(const std::byte* word, std::span<float> row) {
  const auto* bytes =
      reinterpret_cast<const std::int8_t*>(word + blocks(row.size()) * sizeof(float));
  for (std::size_t at = 0; at < row.size(); at += kCompactBlock) {
    float scale;
    std::memcpy(&scale, word, sizeof scale);
    word += sizeof scale;
    const std::size_t end = std::min(at + kCompactBlock, row.size());
    for (std::size_t i = at; i < end; ++i) row[i] = static_cast<float>(bytes[i]) * scale;
  }
}

}  // namespace vecmill::encode
