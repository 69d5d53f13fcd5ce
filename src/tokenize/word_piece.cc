#include "vecmill/tokenize/word_piece.h"

#include <algorithm>

namespace vecmill::tokenize {
namespace {

std::size_t count_chars(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

WordPiece::WordPiece(Vocabulary vocabulary, const WordPieceOptions& options)
    : vocabulary_(std::move(vocabulary)),
      most_chars_(options.max_input_chars_per_word),
      unk_(vocabulary_.find(options.unk_token)) {
  std::vector<ByteTrie::Entry> begins, continues;
  for (const auto& [token, id] : vocabulary_) {
    begins.push_back({token, id});
    if (token.starts_with(options.continuing_subword_prefix)) {
      continues.push_back(
          {std::string_view(token).substr(options.continuing_subword_prefix.size()), id});
    }
  }
  begins_ = ByteTrie(std::move(begins));
  continues_ = ByteTrie(std::move(continues));
}

bool WordPiece::tokenize(std::string_view word, ModelScratch& /*scratch*/,
                         std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  bool whole = word.size() <= most_chars_ || count_chars(word) <= most_chars_;
  for (std::size_t at = 0; whole && at < word.size();) {
    const auto match = (at == 0 ? begins_ : continues_).longest(word.substr(at));
    whole = match.has_value();
    if (!whole) break;
    ids.push_back(match->value);
    at += match->length;
  }
  if (whole) return true;
  ids.resize(before);
  if (unk_) ids.push_back(*unk_);
  return unk_.has_value();
}

Result<std::unique_ptr<Model>> WordPiece::from_json(const JsonNode& node) {
  VECMILL_TRY(node.only(
      {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"}));
  WordPieceOptions options;
  VECMILL_ASSIGN(options.unk_token, node.string_at("unk_token"));
  VECMILL_ASSIGN(options.continuing_subword_prefix, node.string_at("continuing_subword_prefix"));
  VECMILL_ASSIGN(const JsonNode most, node.at("max_input_chars_per_word"));
  VECMILL_ASSIGN(const std::int64_t most_chars, most.integer());
  if (most_chars < 0) return most.wrong("is negative");
  options.max_input_chars_per_word = static_cast<std::size_t>(most_chars);
  VECMILL_ASSIGN(const JsonNode entries, node.at("vocab"));
  VECMILL_ASSIGN(Vocabulary vocabulary, Vocabulary::from_json(entries));
  return std::unique_ptr<Model>(std::make_unique<WordPiece>(std::move(vocabulary), options));
}

}  // namespace vecmill::tokenize
