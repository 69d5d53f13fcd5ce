#pragma once

#include <cstdint>
#include <vector>

#include "vecmill/encode/transformer.h"

namespace vecmill::encode {

/// What is added to a score depends on the distance key - query alone, so a text needs one row of
/// 2 * longest - 1 floats for each head: distance d stands at d + longest - 1.

/// MPNet's learned bias, or ALiBi: -slope * |distance|. `distances` is [heads, 2 * longest - 1].
void fill_distances(const Transformer& model, std::uint32_t longest, float* distances);

/// 0 up to `window` tokens away, beyond it so low that the probability is exactly 0.
/// `distances` is [2 * longest - 1].
void fill_window(std::uint32_t window, std::uint32_t longest, float* distances);

/// The published slopes: 2^(-8 i / heads) for a power of two, otherwise those of the power of two
/// below, then every second one of the power of two above.
[[nodiscard]] std::vector<float> alibi_slopes(std::uint32_t heads);

}  // namespace vecmill::encode
