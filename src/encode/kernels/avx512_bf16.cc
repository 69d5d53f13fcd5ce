// Pairs of bf16 are multiplied and added by one instruction.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx512_bf16 {
namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"
#include "vecmill/encode/kernels/avx512_tile.inc"

inline Vec multiply_add(Vec a, Vec b, Vec sum) {
  return {
      _mm512_dpbf16_ps(sum.v, reinterpret_cast<__m512bh>(a.v), reinterpret_cast<__m512bh>(b.v))};
}
inline void store_halves(std::uint16_t* p, Vec a) {
  const __m256bh halves = _mm512_cvtneps_pbh(a.v);
  __builtin_memcpy(p, &halves, sizeof halves);
}

#include "vecmill/encode/kernels/pairs.inc"

}  // namespace

const PairKernels kPairs{product, round, multiply_adds};

}  // namespace vecmill::encode::avx512_bf16
