#include "vecmill/encode/attention.h"

#include <xmmintrin.h>  // in every x86-64 processor

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "vecmill/encode/pack.h"

namespace vecmill::encode {
namespace {

/// out[j * kPanel + i] = in[i * stride + j] for i, j < 4.
void transpose_4x4(const float* in, std::size_t stride, float* out) {
  __m128 rows[4];
  for (std::size_t i = 0; i < 4; ++i) rows[i] = _mm_loadu_ps(in + i * stride);
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (std::size_t j = 0; j < 4; ++j) _mm_storeu_ps(out + j * kPanel, rows[j]);
}

/// Keys as panels of 16, features down: what `product` wants on its right side.
void pack_keys(const float* keys, std::size_t stride, std::uint32_t count, std::uint32_t features,
               float* panels) {
  for (std::uint32_t first = 0; first < count; first += kPanel) {
    const std::uint32_t lanes = std::min(kPanel, count - first);
    if (lanes < kPanel) std::memset(panels, 0, sizeof(float) * kPanel * features);
    for (std::uint32_t lane = 0; lane < lanes;) {
      const float* key = keys + (first + lane) * stride;
      const bool four = lane + 4 <= lanes && features % 4 == 0;
      for (std::uint32_t f = 0; f < features; f += four ? 4 : 1) {
        if (four) {
          transpose_4x4(key + f, stride, panels + std::size_t{f} * kPanel + lane);
        } else {
          panels[f * kPanel + lane] = key[f];
        }
      }
      lane += four ? 4 : 1;
    }
    panels += std::size_t{kPanel} * features;
  }
}

/// Values as panels of 16 features, tokens down.
void pack_values(const float* values, std::size_t stride, std::uint32_t count,
                 std::uint32_t features, float* panels) {
  for (std::uint32_t first = 0; first < features; first += kPanel) {
    const std::uint32_t width = std::min(kPanel, features - first);
    for (std::uint32_t token = 0; token < count; ++token, panels += kPanel) {
      const float* value = values + token * stride + first;
      if (width == kPanel) {
        std::memcpy(panels, value, sizeof(float) * kPanel);
        continue;
      }
      for (std::uint32_t f = 0; f < kPanel; ++f) panels[f] = f < width ? value[f] : 0.0F;
    }
  }
}

/// At most so many keys are seen by one block of queries.
std::uint32_t visible_keys(std::uint32_t window) {
  return window == 0 ? std::numeric_limits<std::uint32_t>::max() : kQueryRows + 2 * window;
}

/// Blocks of nearly equal size, but for a window: there the bits depend on where they start.
std::uint32_t query_rows(std::uint32_t tokens, std::uint32_t window) {
  const std::uint32_t blocks = (tokens + kQueryRows - 1) / kQueryRows;
  return window > 0 ? kQueryRows : (tokens + blocks - 1) / blocks;
}

/// The keys that a block of queries can see.
struct KeyRange {
  std::uint32_t first = 0, count = 0;
};

KeyRange visible(std::uint32_t window, std::uint32_t first, std::uint32_t count,
                 std::uint32_t tokens) {
  if (window == 0) return {0, tokens};
  const std::uint32_t from = first - std::min(first, window);
  return {from, std::min(tokens, first + count + window) - from};
}

}  // namespace

void attend(const Transformer& model, const Kernels& kernels, const HeadInput& input,
            const TextRows& rows, std::uint32_t head, Workspace::Attention& scratch) {
  const std::uint32_t features = model.hidden / model.heads;
  const std::uint32_t tokens = rows.tokens;
  const std::uint32_t most = std::min(tokens, visible_keys(input.window));
  const std::size_t stride = std::size_t{3} * model.hidden;
  const float* queries = input.qkv + rows.first * stride + std::size_t{head} * features;
  float* keys = scratch.keys.reserve(std::size_t{padded(most)} * features);
  float* values = scratch.values.reserve(std::size_t{most} * padded(features));
  float* scores = scratch.scores.reserve(std::size_t{kQueryRows} * padded(most));
  float* inverse_sums = scratch.inverse_sums.reserve(kQueryRows);

  const std::uint32_t block = query_rows(tokens, input.window);
  for (std::uint32_t first = 0; first < tokens; first += block) {
    const std::uint32_t count = std::min(block, tokens - first);
    const KeyRange range = visible(input.window, first, count, tokens);
    const std::uint32_t columns = padded(range.count);
    if (first == 0 || input.window > 0) {
      const float* seen = queries + range.first * stride;
      pack_keys(seen + model.hidden, stride, range.count, features, keys);
      pack_values(seen + 2 * std::size_t{model.hidden}, stride, range.count, features, values);
    }
    Product score;
    score.a = queries + first * stride;
    score.a_stride = stride;
    score.panels = keys;
    score.rows = count;
    score.k = features;
    score.columns = columns;
    score.last_panel = columns / kPanel;
    score.out = scores;
    score.out_stride = columns;
    kernels.product(score);

    Softmax softmax;
    softmax.scores = scores;
    softmax.rows = count;
    softmax.keys = range.count;
    softmax.scale = 1.0F / std::sqrt(static_cast<float>(features));
    if (input.distances != nullptr) {
      softmax.bias = input.distances + (std::ptrdiff_t{range.first} - std::ptrdiff_t{first});
    }
    softmax.inverse_sums = inverse_sums;
    kernels.softmax(softmax);

    Product mix;
    mix.a = scores;
    mix.a_stride = columns;
    mix.panels = values;
    mix.rows = count;
    mix.k = range.count;
    mix.columns = features;
    mix.last_panel = padded(features) / kPanel;
    mix.scale = inverse_sums;
    mix.out = input.context + (rows.first + first) * std::size_t{model.hidden} +
              std::size_t{head} * features;
    mix.out_stride = model.hidden;
    kernels.product(mix);
  }
}

}  // namespace vecmill::encode
