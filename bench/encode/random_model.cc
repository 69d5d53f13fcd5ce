#include "random_model.h"

#include <algorithm>
#include <cmath>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/quantize.h"

namespace vecmill::bench {

using encode::LayerNorm;
using encode::Linear;

std::optional<Shape> named_shape(std::string_view name) {
  if (name == "minilm") return Shape{};
  if (name == "base") return Shape{768, 12, 3072, 12, 30522};
  if (name == "large") return Shape{1024, 16, 4096, 24, 30522};
  return std::nullopt;
}

RandomModel::RandomModel(const Shape& shape) : shape_(shape) {
  constexpr std::uint32_t kPositions = 512;
  model_.hidden = shape.hidden;
  model_.heads = shape.heads;
  model_.intermediate = shape.intermediate;
  model_.vocab = shape.vocab;
  model_.max_positions = kPositions;
  model_.words = numbers(std::size_t{shape.vocab} * shape.hidden, 1.0F);
  model_.positions = numbers(std::size_t{kPositions} * shape.hidden, 1.0F);
  model_.embedding_norm = norm();
  for (std::uint32_t i = 0; i < shape.layers; ++i) {
    encode::Layer layer;
    layer.qkv = linear(shape.hidden, 3 * shape.hidden);
    layer.attention_out = linear(shape.hidden, shape.hidden);
    layer.ffn_in = linear(shape.hidden, shape.intermediate);
    layer.ffn_out = linear(shape.intermediate, shape.hidden);
    layer.attention_norm = norm();
    layer.ffn_norm = norm();
    model_.layers.push_back(layer);
  }
  model_.attention_numbers = encode::attention_numbers(model_.layers.front());
}

double RandomModel::flops_per_token(double length) const {
  const double h = shape_.hidden;
  return shape_.layers * (8 * h * h + 4 * h * shape_.intermediate + 4 * length * h);
}

const float* RandomModel::numbers(std::size_t count, float scale) {
  float* data = memory_.emplace_back().reserve(count);
  std::generate_n(data, count, [&] {
    state_ = state_ * 1664525U + 1013904223U;
    return scale * (static_cast<float>(state_ >> 8) / 8388608.0F - 1.0F);
  });
  return data;
}

Linear RandomModel::linear(std::uint32_t in, std::uint32_t out) {
  if (shape_.format == Format::kInt8) return whole_linear(in, out);
  const float* weights = numbers(std::size_t{in} * out, 1.7F / std::sqrt(static_cast<float>(in)));
  const float* bias = numbers(encode::padded(out), 0.1F);
  Linear linear{nullptr, bias, in, out};
  linear.pairs = shape_.format == Format::kBf16;
  float* packed = memory_.emplace_back().reserve(linear.pairs ? encode::packed_pairs(out, in)
                                                              : encode::packed_floats(out, in));
  linear.packed = packed;
  if (linear.pairs) {
    encode::pack_pairs(weights, out, in, reinterpret_cast<std::uint16_t*>(packed));
  } else {
    encode::pack_linear(weights, out, in, packed);
  }
  return linear;
}

Linear RandomModel::whole_linear(std::uint32_t in, std::uint32_t out) {
  const std::uint32_t columns = encode::padded(out);
  encode::QuantizedLinear& made = quantized_.emplace_back();
  made.panels.resize(std::size_t{columns} * encode::quads(in) * 4);
  std::ranges::generate(made.panels, [&] {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<std::int8_t>(static_cast<int>(state_ >> 25) - 64);
  });
  made.scales.assign(columns, 1.7F / 64 / std::sqrt(static_cast<float>(in)));
  made.sums.assign(columns, 0);
  made.mask.assign(in, 1.0F);
  for (std::uint32_t i = 0; i < encode::most_kept(in); ++i)
    made.kept.push_back(i * (in / encode::most_kept(in)));
  made.kept_weights.assign(std::size_t{columns} * made.kept.size(), 0.01F);
  return {nullptr, numbers(columns, 0.1F), in, out, made.view()};
}

LayerNorm RandomModel::norm() {
  return {numbers(shape_.hidden, 1.0F), numbers(shape_.hidden, 0.1F), 1e-12F};
}

}  // namespace vecmill::bench
