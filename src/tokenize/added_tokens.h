#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/byte_trie.h"
#include "vecmill/tokenize/json_node.h"
#include "vecmill/tokenize/model.h"
#include "vecmill/tokenize/normalizer.h"
#include "vecmill/tokenize/regex.h"

namespace vecmill::tokenize {

struct AddedToken {
  std::string content;
  bool single_word = false, lstrip = false, rstrip = false, normalized = false;
};

/// Tokens that are found in the text before the model sees it.
class AddedTokens {
 public:
  /// A part of a text: an added token with its id, or text in between.
  struct Part {
    Span span;
    std::optional<TokenId> id;
  };

  AddedTokens() = default;
  /// A token has the id that it has in the model, else the next free one, in the order of the list.
  ///   errors  kInvalidData: a token that nothing can match, or two that match the same
  static Result<AddedTokens> make(std::vector<AddedToken> tokens, const Model& model,
                                  const Normalizer* normalizer, const std::string& where);
  static Result<std::vector<AddedToken>> read(const JsonNode& node);

  /// Cuts a text at the tokens that are matched before (or after) normalisation.
  void cut_raw(std::string_view text, std::vector<Part>& parts) const { cut(text, raw_, parts); }
  void cut_normalized(std::string_view text, std::vector<Part>& parts) const {
    cut(text, normalized_, parts);
  }
  /// Whether what the normalised text gives is what its chunks (word_chunks.h) give.
  [[nodiscard]] bool keep_chunks() const { return keep_chunks_; }

  [[nodiscard]] std::optional<TokenId> find(std::string_view content) const;
  /// Empty when no added token has this id.
  [[nodiscard]] std::string_view content(TokenId id) const;
  /// How many of them the model does not have.
  [[nodiscard]] std::size_t new_tokens() const { return new_tokens_; }

 private:
  struct Matcher {
    ByteTrie trie;  ///< of places in tokens_
    std::array<bool, 256> begins{};
    bool empty = true;
  };
  Result<Matcher> make_matcher(bool normalized, const Normalizer* normalizer,
                               const std::string& where);
  void cut(std::string_view text, const Matcher& matcher, std::vector<Part>& parts) const;

  struct Entry {
    AddedToken token;
    TokenId id;
  };
  std::vector<Entry> tokens_;
  std::unordered_map<std::string, std::size_t> by_content_;
  Matcher raw_, normalized_;
  std::size_t new_tokens_ = 0;
  bool keep_chunks_ = true;
};

}  // namespace vecmill::tokenize
