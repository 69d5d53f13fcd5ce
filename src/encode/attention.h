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

struct HeadInput {
  const float* qkv = nullptr;        ///< [batch tokens, 3 * hidden], `qkv_stride` apart
  const float* distances = nullptr;  ///< of this head, at distance 0; or null
  std::uint32_t window = 0;          ///< of the layer; `distances` hide what lies outside of it
  float* context = nullptr;          ///< [batch tokens, hidden]
};

/// softmax(q k^T / sqrt(d) + distances) v for one head of one text.
void attend(const Transformer& model, const Kernels& kernels, const HeadInput& input,
            const TextRows& rows, std::uint32_t head, Workspace::Attention& scratch);

}  // namespace vecmill::encode
