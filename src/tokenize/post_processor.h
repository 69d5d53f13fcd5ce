#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/json_node.h"
#include "vecmill/tokens.h"

namespace vecmill::tokenize {

/// What stands around the tokens of a text.
class PostProcessor {
 public:
  /// A special token, or (nothing) the text.
  using Item = std::optional<TokenId>;

  /// The text alone.
  PostProcessor() : PostProcessor(std::vector<Item>{std::nullopt}) {}
  explicit PostProcessor(std::vector<Item> items);

  /// The "post_processor" of a tokenizer.json.
  ///   errors  kInvalidData, kUnsupported naming the component
  static Result<PostProcessor> from_json(const JsonNode& node);

  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] std::size_t special_tokens() const { return special_tokens_; }
  /// How often the text stands there.
  [[nodiscard]] std::size_t texts() const { return items_.size() - special_tokens_; }

 private:
  std::vector<Item> items_;
  std::size_t special_tokens_;
};

}  // namespace vecmill::tokenize
