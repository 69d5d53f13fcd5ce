// Pairs of bf16 become floats, which are multiplied as such.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx512 {
namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"
#include "vecmill/encode/kernels/avx512_tile.inc"

inline __m512 second(Vec pairs) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(pairs.v), upper));
}
inline __m512 first(Vec pairs) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(pairs.v), 16));
}
inline Vec multiply_add(Vec a, Vec b, Vec sum) {
  return {_mm512_fmadd_ps(first(a), first(b), _mm512_fmadd_ps(second(a), second(b), sum.v))};
}

/// As `to_bf16`.
inline void store_halves(std::uint16_t* p, Vec a) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i upper = _mm512_srli_epi32(bits, 16);
  const __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
  const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
  __m512i result = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
  const __mmask16 tiny = _mm512_testn_epi32_mask(bits, _mm512_set1_epi32(0x7f800000));
  result = _mm512_mask_and_epi32(result, tiny, upper, _mm512_set1_epi32(0x8000));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  result = _mm512_mask_or_epi32(result, nan, upper, _mm512_set1_epi32(0x40));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(result));
}

#include "vecmill/encode/kernels/pairs.inc"

}  // namespace

const PairKernels kPairs{product, round, multiply_adds};

}  // namespace vecmill::encode::avx512
