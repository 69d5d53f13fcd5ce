#include "vecmill/encode/word_writer.h"

#include <algorithm>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/compact_word.h"

namespace vecmill::encode {

Status WordWriter::start() {
  const std::uint64_t count = std::uint64_t{vocab_} * width_;
  switch (numbers_) {
    case Numbers::kBf16: return writer_.start("words_bf16", (count + 1) / 2);
    case Numbers::kInt8: return writer_.start("words_int8", vocab_ * compact_word_floats(width_));
    case Numbers::kF32: break;
  }
  return writer_.start("words", count);
}

Status WordWriter::append(std::span<const float> values) {
  switch (numbers_) {
    case Numbers::kBf16: return append_bf16(values);
    case Numbers::kInt8: return append_int8(values);
    case Numbers::kF32: break;
  }
  return writer_.append(values);
}

Status WordWriter::append_bf16(std::span<const float> values) {
  halves_.resize(values.size());
  std::ranges::transform(values, halves_.begin(), to_bf16);
  return writer_.append_bytes(std::as_bytes(std::span(halves_)));
}

Status WordWriter::append_int8(std::span<const float> values) {
  rows_.clear();
  while (!values.empty()) {
    const std::size_t more = std::min(values.size(), width_ - begun_.size());
    begun_.insert(begun_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(more));
    values = values.subspan(more);
    if (begun_.size() < width_) break;
    const std::size_t at = rows_.size();
    rows_.resize(at + compact_word_floats(width_) * sizeof(float));
    write_compact_word(begun_, rows_.data() + at);
    begun_.clear();
  }
  return writer_.append_bytes(rows_);
}

Status WordWriter::finish() {
  constexpr std::uint16_t kFill = 0;
  const bool half = numbers_ == Numbers::kBf16 && std::uint64_t{vocab_} * width_ % 2 == 1;
  return half ? writer_.append_bytes(std::as_bytes(std::span(&kFill, 1))) : Status();
}

}  // namespace vecmill::encode
