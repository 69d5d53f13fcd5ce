#pragma once

#include "vecmill/tokenize/model.h"
#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {

/// A word is a token or unknown.
class WordLevel : public Model {
 public:
  WordLevel(Vocabulary vocabulary, std::string_view unk_token)
      : vocabulary_(std::move(vocabulary)), unk_(vocabulary_.find(unk_token)) {}
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
  const std::optional<TokenId> unk_;
};

}  // namespace vecmill::tokenize
