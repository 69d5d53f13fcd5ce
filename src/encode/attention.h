#pragma once

#include <cstdint>

#include "vecmill/encode/forward.h"

namespace vecmill::encode {

/// How many query rows are scored against all keys at a time: memory grows with the length of a
/// text, not with its square.
inline constexpr std::uint32_t kQueryRows = 96;

/// One text in a batch: `tokens` rows from `first` on.
struct TextRows {
  std::uint32_t first = 0, tokens = 0;
};

/// MPNet's bias by distance: [heads, 2 * longest - 1], distance key - query + longest - 1.
void relative_distances(const Transformer& model, std::uint32_t longest, float* distances);

struct HeadInput {
  const float* qkv = nullptr;        ///< [batch tokens, 3 * hidden]
  const float* distances = nullptr;  ///< of this head, at distance 0; or null
  float* context = nullptr;          ///< [batch tokens, hidden]
};

/// softmax(q k^T / sqrt(d) + bias) v for one head of one text.
void attend(const Transformer& model, const Kernels& kernels, const HeadInput& input,
            const TextRows& rows, std::uint32_t head, Workspace::Attention& scratch);

}  // namespace vecmill::encode
