#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "vecmill/encode/forward.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::bench {

struct Shape {
  std::uint32_t hidden = 384, heads = 12, intermediate = 1536, layers = 6, vocab = 30522;
};

/// A transformer with random weights: the time of a forward pass does not depend on their values.
class RandomModel {
 public:
  /// `whole`: in bytes, as packing with int8 makes them.
  explicit RandomModel(const Shape& shape, bool whole = false);

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
  bool whole_;
  std::uint32_t state_ = 1;
  std::vector<encode::Buffer> memory_;
  std::deque<encode::QuantizedLinear> whole_linears_;  ///< layers point into them
  encode::Transformer model_;
};

}  // namespace vecmill::bench
