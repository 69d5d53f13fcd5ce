#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/json_node.h"

namespace vecmill::tokenize {

/// A part of a section. `at_start`: it begins where the whole input text begins.
struct Piece {
  std::size_t first = 0, last = 0;
  bool at_start = false;
};

/// A normalised section and how it is cut so far. Kept from section to section, it allocates no
/// more once it has grown.
struct Pieces {
  std::string text;
  std::vector<Piece> list;
  std::string spare_text;
  std::vector<Piece> spare_list;

  /// One piece: the whole of `text`, which may be empty.
  void reset(bool at_start);
  [[nodiscard]] std::string_view view(const Piece& piece) const {
    return std::string_view(text).substr(piece.first, piece.last - piece.first);
  }
};

/// Cuts every piece further, and rewrites the text where the rule says so. Immutable; safe from
/// any thread. No piece is empty afterwards.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void split(Pieces& pieces) const = 0;

  /// Whether chunks (word_chunks.h) can be split one by one: the pieces of a section are those of
  /// its chunks, one after the other.
  [[nodiscard]] virtual bool splits_chunks() const { return false; }
};

/// The "pre_tokenizer" of a tokenizer.json, as tokenizers 0.23.3 runs it.
///   errors  kInvalidData, kUnsupported naming the component
Result<std::unique_ptr<PreTokenizer>> make_pre_tokenizer(const JsonNode& node);

enum class PrependScheme : std::uint8_t { kAlways, kFirst, kNever };
struct MetaspaceOptions {
  char32_t replacement = U'\u2581';
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;
};

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();
std::unique_ptr<PreTokenizer> make_whitespace_splitter();
std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceOptions& options);
std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(
    std::vector<std::unique_ptr<PreTokenizer>> parts);

}  // namespace vecmill::tokenize
