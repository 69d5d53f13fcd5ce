#pragma once

#include <cstdint>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/forward.h"
#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/quantize.h"
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

/// The rows of `a`, [rows, linear.in], as a matrix in whole numbers wants them; they live in
/// `bytes`.
inline Quantized quantized_rows(const Kernels& kernels, const Linear& linear, const float* a,
                                std::uint32_t rows, Workspace::Bytes& bytes) {
  Quantize q{a, rows, linear.in, &linear.whole};
  q.bytes =
      reinterpret_cast<std::uint8_t*>(bytes.rows.reserve(std::size_t{rows} * quads(linear.in)));
  q.zeros = bytes.zeros.reserve(rows);
  q.scales = bytes.scales.reserve(rows);
  q.kept = bytes.kept.reserve(std::size_t{rows} * linear.whole.kept_count);
  kernels.quantize(q);
  return {q.weights, q.bytes, q.zeros, q.scales, q.kept};
}

/// The same for a matrix in bf16: pairs in the places of floats, [rows, pairs(linear.in)].
inline const float* rounded_rows(const Kernels& kernels, const Linear& linear, const float* a,
                                 std::uint32_t rows, Workspace::Bytes& bytes) {
  float* rounded = bytes.rows.reserve(std::size_t{rows} * pairs(linear.in));
  kernels.round(Round{a, rows, linear.in, halves(rounded)});
  return rounded;
}

}  // namespace vecmill::encode
