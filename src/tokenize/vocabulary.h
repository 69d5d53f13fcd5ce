#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/json_node.h"
#include "vecmill/tokens.h"

namespace vecmill::tokenize {

/// No model has ids as large as this one; a file that says so is broken.
inline constexpr TokenId kIdLimit = 1 << 24;

/// Tokens and their ids, both ways.
class Vocabulary {
 public:
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// {"token": id, ..}
  ///   errors  kInvalidData: an id that is no id, a token or an id that comes twice
  static Result<Vocabulary> from_json(const JsonNode& node);

  /// A token that is there already gets the new id.
  void set(std::string_view token, TokenId id);

  [[nodiscard]] std::optional<TokenId> find(std::string_view token) const;
  /// Empty when no token has this id.
  [[nodiscard]] std::string_view token(TokenId id) const;
  [[nodiscard]] std::size_t size() const { return ids_.size(); }

  [[nodiscard]] auto begin() const { return ids_.begin(); }
  [[nodiscard]] auto end() const { return ids_.end(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, TokenId, Hash, std::equal_to<>> ids_;
  std::vector<const std::string*> tokens_;  ///< by id; null: none
};

}  // namespace vecmill::tokenize
