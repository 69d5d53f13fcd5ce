#include "vecmill/tokenize/word_level.h"

namespace vecmill::tokenize {

bool WordLevel::tokenize(std::string_view word, ModelScratch& /*scratch*/,
                         std::vector<TokenId>& ids) const {
  const auto id = vocabulary_.find(word);
  if (!id && !unk_) return false;
  ids.push_back(id ? *id : *unk_);
  return true;
}

Result<std::unique_ptr<Model>> WordLevel::from_json(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "vocab", "unk_token"}));
  VECMILL_ASSIGN(const std::string_view unk_token, node.string_at("unk_token"));
  VECMILL_ASSIGN(const JsonNode entries, node.at("vocab"));
  VECMILL_ASSIGN(Vocabulary vocabulary, Vocabulary::from_json(entries));
  return std::unique_ptr<Model>(std::make_unique<WordLevel>(std::move(vocabulary), unk_token));
}

}  // namespace vecmill::tokenize
