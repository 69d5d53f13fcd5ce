#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill {

/// What is made of a text, all of it in one pass of the model.
struct Outputs {
  bool dense = true;
  bool sparse = false;       ///< a weight per token, for models with such a head (bge-m3)
  bool multivector = false;  ///< a unit vector per token, for models with such a head

  [[nodiscard]] bool only_dense() const { return dense && !sparse && !multivector; }
  [[nodiscard]] bool any() const { return dense || sparse || multivector; }
  /// Whether everything that `other` has is here too.
  [[nodiscard]] bool contain(const Outputs& other) const {
    return dense >= other.dense && sparse >= other.sparse && multivector >= other.multivector;
  }
  friend bool operator==(const Outputs&, const Outputs&) = default;
};

/// "dense,sparse,multivector": those that are set, in this order.
[[nodiscard]] std::string name(const Outputs& outputs);

/// The same read back; names in any order, each at most once.
///   errors  kInvalidArgument at `where`
Result<Outputs> parse_outputs(std::string_view text, const std::string& where);

struct TokenWeight {
  TokenId token = 0;
  float weight = 0;
  friend bool operator==(const TokenWeight&, const TokenWeight&) = default;
};

/// Ascending by token, each at most once, weights above 0.
using SparseVector = std::vector<TokenWeight>;

}  // namespace vecmill
