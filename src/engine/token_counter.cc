#include "vecmill/engine/token_counter.h"

#include <optional>
#include <utility>
#include <vector>

#include "vecmill/hub/store.h"
#include "vecmill/tokenize/byte_level.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::engine {
namespace {

/// None: the ids are not this text.
std::optional<std::vector<TokenId>> cl100k_ids(std::string_view text) {
  const tokenize::Tokenizer tokenizer = tokenize::Tokenizer::cl100k();
  auto encoding = tokenizer.encode(text);
  if (!encoding) return std::nullopt;
  std::string bytes, decoded;
  for (const char c : text) bytes += tokenize::byte_level_char(static_cast<unsigned char>(c));
  for (const TokenId id : encoding->ids) decoded += tokenizer.id_to_token(id);
  if (decoded != bytes) return std::nullopt;
  return std::move(encoding->ids);
}

remote::CountTokens stored_counter(const std::string& name) {
  auto paths = hub::StorePaths::from_environment();
  if (!paths) return {};
  const auto folder = hub::Store(*std::move(paths)).tokenizer_of(name);
  if (!folder) return {};
  auto found = tokenize::Tokenizer::from_folder(*folder);
  if (!found) return {};
  // A text that it cannot read has no more tokens than bytes.
  return [tokenizer = *std::move(found)](std::string_view text) {
    return static_cast<std::uint64_t>(tokenizer.count(text).value_or(text.size()));
  };
}

}  // namespace

remote::Vocabulary vocabulary_of(const remote::Dialect& dialect, const std::string& model) {
  if (remote::find_model(dialect.name, model).vocabulary == "cl100k") {
    return {[](std::string_view text) { return *tokenize::Tokenizer::cl100k().count(text); },
            cl100k_ids};
  }
  if (dialect.tokenizers.empty()) return {};
  return {stored_counter(std::string(dialect.tokenizers) + "/" + model), {}};
}

}  // namespace vecmill::engine
