#include "vecmill/encode/attention.h"

#include <xmmintrin.h>  // in every x86-64 processor

#include <algorithm>
#include <cmath>
#include <cstring>

#include "vecmill/encode/pack.h"

namespace vecmill::encode {
namespace {

/// T5's rule with both directions, as MPNet uses it; the logarithm in single precision like the
/// reference, which decides at the edges.
std::uint32_t bucket(std::int32_t distance, std::uint32_t buckets) {
  constexpr float kMaxDistance = 128.0F;
  const std::uint32_t half = buckets / 2;
  const std::uint32_t base = distance > 0 ? half : 0;  // the key stands to the right
  const auto a = static_cast<std::uint32_t>(std::abs(distance));
  const std::uint32_t exact = half / 2;
  if (a < exact) return base + a;
  const float scaled = std::log(static_cast<float>(a) / static_cast<float>(exact)) /
                       std::log(kMaxDistance / static_cast<float>(exact)) *
                       static_cast<float>(half - exact);
  return base + std::min(half - 1, exact + static_cast<std::uint32_t>(scaled));
}

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
      for (std::uint32_t f = 0; f < kPanel; ++f) panels[f] = f < width ? value[f] : 0.0F;
    }
  }
}

}  // namespace

void relative_distances(const Transformer& model, std::uint32_t longest, float* distances) {
  const auto reach = static_cast<std::int32_t>(longest) - 1;
  for (std::int32_t distance = -reach; distance <= reach; ++distance) {
    const float* row =
        model.relative_bias + std::size_t{bucket(distance, model.relative_buckets)} * model.heads;
    for (std::uint32_t head = 0; head < model.heads; ++head) {
      distances[std::size_t{head} * (2 * longest - 1) +
                static_cast<std::size_t>(distance + reach)] = row[head];
    }
  }
}

void attend(const Transformer& model, const Kernels& kernels, const HeadInput& input,
            const TextRows& rows, std::uint32_t head, Workspace::Attention& scratch) {
  const std::uint32_t features = model.hidden / model.heads;
  const std::uint32_t tokens = rows.tokens;
  const std::uint32_t columns = padded(tokens);
  const std::size_t stride = std::size_t{3} * model.hidden;
  const float* queries = input.qkv + rows.first * stride + std::size_t{head} * features;
  float* keys = scratch.keys.reserve(std::size_t{columns} * features);
  float* values = scratch.values.reserve(std::size_t{tokens} * padded(features));
  float* scores = scratch.scores.reserve(std::size_t{kQueryRows} * columns);
  float* inverse_sums = scratch.inverse_sums.reserve(kQueryRows);
  pack_keys(queries + model.hidden, stride, tokens, features, keys);
  pack_values(queries + 2 * std::size_t{model.hidden}, stride, tokens, features, values);

  for (std::uint32_t first = 0; first < tokens; first += kQueryRows) {
    const std::uint32_t count = std::min(kQueryRows, tokens - first);
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
    softmax.keys = tokens;
    softmax.scale = 1.0F / std::sqrt(static_cast<float>(features));
    softmax.bias = input.distances == nullptr ? nullptr : input.distances - first;
    softmax.inverse_sums = inverse_sums;
    kernels.softmax(softmax);

    Product mix;
    mix.a = scores;
    mix.a_stride = columns;
    mix.panels = values;
    mix.rows = count;
    mix.k = tokens;
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
