#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/team.h"
#include "vecmill/encode/transformer.h"
#include "vecmill/outputs.h"
#include "vecmill/tokens.h"

namespace vecmill::encode {

/// Linear layers over the hidden states of every token, beside the pooling: those of bge-m3. The
/// formulas are those of FlagEmbedding's BGEM3FlagModel.
struct Heads {
  std::optional<Linear> sparse;       ///< [hidden] to 1
  std::optional<Linear> multivector;  ///< [hidden] to the size of a token's vector

  [[nodiscard]] Outputs outputs() const {
    return {true, sparse.has_value(), multivector.has_value()};
  }
};

/// What the heads make of one text.
struct TextHeads {
  SparseVector sparse;             ///< relu(w h + b), the largest of each token id
  std::vector<float> multivector;  ///< [tokens - 1, dims]: W h + b of all but the first, length 1
};

/// One pass of the heads over a batch. Rows of a text depend on its tokens only.
class HeadPass {
 public:
  /// Makes room; the heads that `wanted` names are there. Call it before the crew starts.
  void begin(const Heads& heads, const Outputs& wanted, std::size_t tokens);

  /// Every member of a crew calls it; all is there when all have returned.
  ///   hidden  [tokens, hidden]
  void project(const Kernels& kernels, const float* hidden, const Crew& crew);

  /// The text whose rows begin at `first` of the batch.
  ///   dropped  token ids that get no weight
  void finish(std::span<const TokenId> ids, std::size_t first, std::span<const TokenId> dropped,
              TextHeads& out) const;

 private:
  std::optional<Linear> sparse_, multivector_;  ///< those that are wanted
  std::size_t tokens_ = 0;
  std::vector<float> weights_;  ///< [tokens]
  std::vector<float> vectors_;  ///< [tokens, dims]
};

}  // namespace vecmill::encode
