#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "vecmill/tokens.h"

namespace vecmill::remote {

/// How many tokens a text has for a model, exactly.
using CountTokens = std::function<std::uint64_t(std::string_view text)>;

/// The ids of a text; none where they would not give back its very bytes.
using TokensOf = std::function<std::optional<std::vector<TokenId>>(std::string_view text)>;

/// What is known here of a model's tokens; null: nothing.
struct Vocabulary {
  CountTokens count = {};
  TokensOf tokens = {};
};

/// How many tokens a text may have, from its bytes, where no tokenizer of the model is here: a
/// bound that learns from what was billed. It rises at once and falls slowly.
class TokenEstimate {
 public:
  [[nodiscard]] std::uint64_t tokens(std::uint64_t bytes) const {
    return 1 + static_cast<std::uint64_t>(per_byte_ * static_cast<double>(bytes));
  }

  void learn(std::uint64_t bytes, std::uint64_t tokens) {
    if (bytes == 0 || tokens == 0) return;
    const double seen = kMargin * static_cast<double>(tokens) / static_cast<double>(bytes);
    per_byte_ = std::clamp(std::max(seen, 0.9 * per_byte_ + 0.1 * seen), 0.05, 2.0);
  }

 private:
  static constexpr double kMargin = 1.1;
  double per_byte_ = 0.5;  // prose has about 0.25, code 0.3, dense data up to 1
};

}  // namespace vecmill::remote
