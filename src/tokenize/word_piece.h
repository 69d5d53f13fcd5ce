#pragma once

#include "vecmill/tokenize/byte_trie.h"
#include "vecmill/tokenize/model.h"
#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {

struct WordPieceOptions {
  std::string unk_token = "[UNK]", continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;
};

/// Greedy longest match from the left; a word that cannot be cut completely is unknown as a whole.
class WordPiece : public Model {
 public:
  WordPiece(Vocabulary vocabulary, const WordPieceOptions& options);
  static Result<std::unique_ptr<Model>> from_json(const JsonNode& node);

  bool tokenize(std::string_view word, ModelScratch& scratch,
                std::vector<TokenId>& ids) const override;
  [[nodiscard]] std::optional<TokenId> token_to_id(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  [[nodiscard]] std::string_view id_to_token(TokenId id) const override {
    return vocabulary_.token(id);
  }
  [[nodiscard]] std::size_t size() const override { return vocabulary_.size(); }

 private:
  const Vocabulary vocabulary_;
  const std::size_t most_chars_;
  const std::optional<TokenId> unk_;
  ByteTrie begins_, continues_;
};

}  // namespace vecmill::tokenize
