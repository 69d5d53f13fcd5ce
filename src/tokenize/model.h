#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::tokenize {

/// Memory that models work in. Kept from word to word, it allocates no more once it has grown.
struct ModelScratch {
  struct BestEnd {
    double score;
    std::uint32_t start;
    TokenId id;
  };
  std::vector<BestEnd> best_ends;

  struct Symbol {
    TokenId id;
    std::uint32_t size;  ///< 0: merged into the one on its left
    std::int32_t before, after;
  };
  std::vector<Symbol> symbols;
  struct Merge {
    std::uint32_t rank, at;
    TokenId id;
  };
  std::vector<Merge> queue;
  std::vector<TokenId> reversed;
  std::string text;
};

/// Turns a word into tokens. Immutable; safe from any thread.
class Model {
 public:
  virtual ~Model() = default;

  /// Appends the ids of `word`, which is not empty. False when the word needs an unknown token and
  /// the model has none.
  virtual bool tokenize(std::string_view word, ModelScratch& scratch,
                        std::vector<TokenId>& ids) const = 0;
  /// Whether looking up a word seen before is faster than to tokenize it again.
  [[nodiscard]] virtual bool is_slow() const { return false; }

  [[nodiscard]] virtual std::optional<TokenId> token_to_id(std::string_view token) const = 0;
  /// Empty when no token has this id.
  [[nodiscard]] virtual std::string_view id_to_token(TokenId id) const = 0;
  /// As the library counts it: the id that the first added token gets.
  [[nodiscard]] virtual std::size_t size() const = 0;
};

}  // namespace vecmill::tokenize
