#include "vecmill/tokenize/vocabulary.h"

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {

Result<Vocabulary> Vocabulary::from_json(const JsonNode& node) {
  simdjson::dom::object object;
  if (node.value().get(object) != simdjson::SUCCESS) return node.wrong("is not an object");
  Vocabulary vocabulary;
  for (const auto& [token, value] : object) {
    // Tokens are shown by number: a place in the file, never a text of somebody.
    const auto place = [&, n = vocabulary.size()] { return "entry " + std::to_string(n); };
    std::int64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS) return node.wrong(place() + " has no whole number");
    if (id < 0 || id >= kIdLimit) {
      return node.wrong(place() + " has id " + std::to_string(id) + ", which is out of range");
    }
    if (!is_valid_utf8(token)) return node.wrong(place() + " is not UTF-8");
    if (!vocabulary.token(static_cast<TokenId>(id)).empty()) {
      return node.wrong(place() + " has id " + std::to_string(id) + ", which is taken");
    }
    if (vocabulary.find(token)) return node.wrong(place() + " comes twice");
    vocabulary.set(token, static_cast<TokenId>(id));
  }
  return vocabulary;
}

void Vocabulary::set(std::string_view token, TokenId id) {
  const auto found = ids_.insert_or_assign(std::string(token), id).first;
  const auto at = static_cast<std::size_t>(id);
  if (at >= tokens_.size()) tokens_.resize(at + 1);
  tokens_[at] = &found->first;
}

std::optional<TokenId> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::string_view Vocabulary::token(TokenId id) const {
  const auto at = static_cast<std::size_t>(id);
  if (id < 0 || at >= tokens_.size() || tokens_[at] == nullptr) return {};
  return *tokens_[at];
}

}  // namespace vecmill::tokenize
