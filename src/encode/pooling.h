#pragma once

#include <cstdint>

#include "vecmill/encode/model_config.h"

namespace vecmill::encode {

/// The hidden states of one text, [tokens, dims] one after the other.
struct TokenRows {
  const float* first = nullptr;
  std::uint32_t tokens = 0;
  std::uint32_t dims = 0;
  std::uint32_t skipped = 0;  ///< leading tokens that take no part; less than `tokens`
};

/// Writes modes.size() * dims floats. Sums run over the tokens in their order, in f32, so a result
/// depends on nothing but these rows.
void pool(const std::vector<PoolingMode>& modes, const TokenRows& rows, float* out);

}  // namespace vecmill::encode
