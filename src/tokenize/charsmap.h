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

  /// Appends `text` as Hugging Face's Precompiled normalises it, by grapheme clusters.
  void normalize(std::string_view text, std::string& out) const;

  /// Whether a lone space stays one.
  [[nodiscard]] bool keeps_space() const { return !shortest_prefix(" "); }

 private:
  void find_plain();
  [[nodiscard]] bool is_plain(char32_t c) const { return c < kPlain && plain_[c]; }
  void normalize_cluster(std::string_view cluster, std::string& out) const;

  static constexpr char32_t kPlain = 0x10000;
  /// Characters without a rule that begin and end a cluster between others like them.
  std::vector<bool> plain_;
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace vecmill::tokenize
