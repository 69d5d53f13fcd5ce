#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "vecmill/encode/model_config.h"

namespace vecmill::encode {

/// What follows the pooling, with pointers into the packed file. Plain arithmetic in one order,
/// compiled for the base instruction set: the same bits on every processor.
struct Dense {
  std::uint32_t in = 0, out = 0;
  const float* weight = nullptr;    ///< [in, out]
  const float* bias = nullptr;      ///< [out] or null
  const float* residual = nullptr;  ///< [in, out], or null: see `add_input`
  bool add_input = false;           ///< the input is added to the result; in == out then
  DenseActivation activation = DenseActivation::kIdentity;
};
struct VectorNorm {
  std::uint32_t dims = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;
};
struct Normalize {};
using PostStep = std::variant<Dense, VectorNorm, Normalize>;

void apply_module(const Dense& dense, std::vector<float>& x);
void apply_module(const VectorNorm& norm, std::vector<float>& x);
void apply_module(const Normalize& normalize, std::vector<float>& x);

/// Divides by the Euclidean length, or by 1e-12 where that is larger.
void normalize(float* x, std::size_t count);

[[nodiscard]] float activate(DenseActivation activation, float x);

}  // namespace vecmill::encode
