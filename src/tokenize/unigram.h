#pragma once

#include "vecmill/tokenize/byte_tokens.h"
#include "vecmill/tokenize/byte_trie.h"
#include "vecmill/tokenize/json_node.h"
#include "vecmill/tokenize/model.h"
#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {

/// The cut with the highest sum of scores.
class Unigram : public Model {
 public:
  struct Piece {
    std::string text;
    double score;
  };
  struct Options {
    std::optional<TokenId> unk_id;
    bool byte_fallback = false;
  };

  /// The id of a piece is its place in the list; of equal pieces the last one counts.
  Unigram(std::vector<Piece> pieces, const Options& options);
  /// `json` is the whole document, whose number texts count.
  static Result<std::unique_ptr<Model>> from_json(const JsonNode& node,
                                                  const simdjson::padded_string& json);

  bool tokenize(std::string_view word, ModelScratch& scratch,
                std::vector<TokenId>& ids) const override;
  [[nodiscard]] bool is_slow() const override { return true; }
  [[nodiscard]] std::optional<TokenId> token_to_id(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  [[nodiscard]] std::string_view id_to_token(TokenId id) const override;
  [[nodiscard]] std::size_t size() const override { return pieces_.size(); }

 private:
  bool find_best_ends(std::string_view word, std::vector<ModelScratch::BestEnd>& ends) const;
  void append_unknown_reversed(std::string_view text, std::vector<TokenId>& ids) const;

  const std::vector<Piece> pieces_;
  const Options options_;
  Vocabulary vocabulary_;
  std::vector<double> scores_;
  double unk_score_;
  ByteTrie trie_;
  ByteTokens bytes_;
};

}  // namespace vecmill::tokenize
