#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::tokenize {

struct EncodeOptions {
  std::size_t max_tokens = 0;  ///< special tokens included; 0: no limit
  Truncate truncate = Truncate::kEnd;
  bool add_special_tokens = true;
};

struct Encoding {
  std::vector<TokenId> ids;
  std::uint32_t dropped = 0;  ///< tokens that were cut off
};

/// Text to token ids, exactly as Hugging Face tokenizers 0.23.3 does it. Truncation and padding
/// written in a tokenizer file are ignored. Immutable; safe from any thread.
class Tokenizer {
 public:
  /// The content of a tokenizer.json. `where` names it in errors.
  ///   errors  kInvalidData: broken, ids out of range; kUnsupported: an unknown component, by name
  static Result<Tokenizer> from_json(std::string_view json, const std::string& where);

  /// A BERT vocabulary, one token a line.
  static Result<Tokenizer> from_vocab_txt(std::string_view text, const std::string& where,
                                          bool lowercase);

  /// A SentencePiece Unigram model of the XLM-RoBERTa family, with the ids that Hugging Face gives.
  static Result<Tokenizer> from_sentencepiece(std::string_view proto, const std::string& where);

  /// OpenAI's cl100k_base, which is compiled in: that of text-embedding-3-small, -3-large and
  /// ada-002. As the API counts: "<|endoftext|>" and the like in a text are ordinary text. Made at
  /// the first call, shared from then on.
  static Tokenizer cl100k();

  /// What the folder has: tokenizer.json, else sentencepiece.bpe.model, else vocab.txt.
  ///   errors  kNotFound: none of them
  static Result<Tokenizer> from_folder(const std::filesystem::path& model_folder);

  /// `text` may be any bytes; what is not UTF-8 counts as U+FFFD.
  ///   errors  kTooLong: more than max_tokens, with Truncate::kError only;
  ///           kInvalidArgument: max_tokens is less than the special tokens alone
  Result<Encoding> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// Tokens of the text, special tokens included, nothing cut off.
  Result<std::size_t> count(std::string_view text) const;

  [[nodiscard]] std::optional<TokenId> token_to_id(std::string_view token) const;
  /// Empty for an id that has no token.
  [[nodiscard]] std::string id_to_token(TokenId id) const;
  /// Added tokens included.
  [[nodiscard]] std::size_t vocab_size() const;
  /// How many of them encode() puts around a text.
  [[nodiscard]] std::size_t special_token_count() const;

  class Pipeline;
  explicit Tokenizer(std::shared_ptr<const Pipeline> pipeline);

 private:
  std::shared_ptr<const Pipeline> pipeline_;
};

}  // namespace vecmill::tokenize
