#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vecmill/encode/packed_writer.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// Writes the word embeddings as they come: [vocab, width] in f32, in bf16 or as in compact_word.h.
class WordWriter {
 public:
  enum class Numbers : std::uint8_t { kF32, kBf16, kInt8 };

  WordWriter(PackedWriter& writer, Numbers numbers, std::uint32_t vocab, std::uint32_t width)
      : writer_(writer), numbers_(numbers), vocab_(vocab), width_(width) {}

  Status start();
  /// Any number of components, which go on where the last ones ended.
  Status append(std::span<const float> values);
  Status finish();

 private:
  Status append_bf16(std::span<const float> values);
  Status append_int8(std::span<const float> values);

  PackedWriter& writer_;
  const Numbers numbers_;
  const std::uint32_t vocab_, width_;
  std::vector<std::uint16_t> halves_;
  std::vector<float> begun_;  ///< a row that is not complete yet
  std::vector<std::byte> rows_;
};

}  // namespace vecmill::encode
