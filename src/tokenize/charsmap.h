#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::tokenize {

/// SentencePiece's precompiled normalisation rules: a double-array trie of UTF-8 keys whose values
/// point at NUL-terminated replacements. Format: google/sentencepiece, normalizer.cc.
class Charsmap {
 public:
  ///   errors  kInvalidData: sizes that do not fit together
  static Result<Charsmap> parse(std::string_view bytes, const std::string& where);

  /// The replacement of the shortest key that `text` starts with. The library takes this one and
  /// not the longest.
  [[nodiscard]] std::optional<std::string_view> shortest_prefix(std::string_view text) const;

  /// Normalises as Hugging Face's Precompiled does, by grapheme clusters.
  void normalize(std::string& text) const;

  /// Whether a lone space stays one.
  [[nodiscard]] bool keeps_space() const { return !shortest_prefix(" "); }

 private:
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace vecmill::tokenize
