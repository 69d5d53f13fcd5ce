// 16 lanes in one register.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx512 {
namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"
#include "vecmill/encode/kernels/avx512_tile.inc"

/// The sums of two products fit into 16 bits because of how the weights are rounded.
inline void add_dot(IntVec& sum, Bytes a, const std::int8_t* w) {
  const __m512i pairs = _mm512_maddubs_epi16(a, _mm512_loadu_si512(w));
  sum.v = _mm512_add_epi32(sum.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
inline void add_words(IntVec& sum, Bytes a, const std::int16_t* w) {
  sum.v = _mm512_add_epi32(sum.v, _mm512_madd_epi16(a, _mm512_loadu_si512(w)));
}
constexpr bool kFloats = true;

#include "vecmill/encode/kernels/kernels.inc"

}  // namespace

const Kernels kKernels{product, softmax, norm,          quantize,          words,
                       apply,   exp_all, multiply_adds, byte_multiply_adds};

}  // namespace vecmill::encode::avx512
