#pragma once

#include <cstdint>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/team.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::encode {

/// out = a W^T + b, [rows, linear.out]: a crew member's share of the output features, alone all of
/// them. `a` is in the numbers of the map. The caller adds an epilogue or a residual.
inline Product linear_product(const Linear& linear, const float* a, std::uint32_t rows, float* out,
                              const Crew& crew = {}) {
  const auto share = crew.share(padded(linear.out) / kPanel);
  Product p;
  p.a = a;
  p.panels = linear.packed;
  p.pairs = linear.pairs;
  p.rows = rows;
  p.k = linear.pairs ? pairs(linear.in) : linear.in;
  p.a_stride = p.k;
  p.columns = linear.out;
  p.first_panel = share.first;
  p.last_panel = share.last;
  p.bias = linear.bias;
  p.out = out;
  p.out_stride = linear.out;
  return p;
}

}  // namespace vecmill::encode
