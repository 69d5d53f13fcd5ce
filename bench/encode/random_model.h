#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "vecmill/encode/forward.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::bench {

enum class Format : std::uint8_t { kF32, kBf16, kInt8 };

struct Shape {
  std::uint32_t hidden = 384, heads = 12, intermediate = 1536, layers = 6, vocab = 30522;
  Format format = Format::kF32;  ///< of the layers' products
};

/// minilm, base (mpnet) or large (bge-m3).
[[nodiscard]] std::optional<Shape> named_shape(std::string_view name);

/// A transformer with random weights: the time of a forward pass does not depend on their values.
class RandomModel {
 public:
  explicit RandomModel(const Shape& shape);

  [[nodiscard]] const encode::Transformer& transformer() const { return model_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  /// Multiplications and additions that one token of a text of `length` needs.
  [[nodiscard]] double flops_per_token(double length) const;

 private:
  const float* numbers(std::size_t count, float scale);
  encode::Linear linear(std::uint32_t in, std::uint32_t out);
  encode::Linear whole_linear(std::uint32_t in, std::uint32_t out);
  encode::LayerNorm norm();

  Shape shape_;
  std::uint32_t state_ = 1;
  std::vector<encode::Buffer> memory_;
  std::deque<encode::QuantizedLinear> quantized_;  ///< layers point into them
  encode::Transformer model_;
};

}  // namespace vecmill::bench
