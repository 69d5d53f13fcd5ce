// 16 lanes in one register; a tile of 12 rows by two panels keeps 24 of the 32 as accumulators.
#include <immintrin.h>

#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode::avx512 {
namespace {

struct Vec {
  __m512 v;
};

inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
inline Vec all(float x) { return {_mm512_set1_ps(x)}; }
inline Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
/// y where x >= limit, else 0.
inline Vec keep_from(Vec x, float limit, Vec y) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, _mm512_set1_ps(limit), _CMP_GE_OQ), y.v)};
}
/// y * 2^n, where the low bits of t hold n.
inline Vec times_power_of_two(Vec y, Vec t) {
  return {_mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(t.v), 23), _mm512_castps_si512(y.v)))};
}

/// The low byte of each lane.
inline void store_bytes(std::uint8_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_castps_si512(a.v)));
}

struct IntVec {
  __m512i v;
};
using Bytes = __m512i;

inline IntVec no_sums() { return {_mm512_setzero_si512()}; }
inline IntVec load_sums(const float* p) { return {_mm512_loadu_si512(p)}; }
inline void store_sums(float* p, IntVec a) { _mm512_storeu_si512(p, a.v); }
inline Bytes all_bytes(const std::uint8_t* a) {
  std::int32_t four;
  __builtin_memcpy(&four, a, sizeof four);
  return _mm512_set1_epi32(four);
}
/// The sums of two products fit into 16 bits because of how the weights are rounded.
inline IntVec dot(IntVec sum, Bytes a, const std::int8_t* w) {
  const __m512i pairs = _mm512_maddubs_epi16(a, _mm512_loadu_si512(w));
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
}
/// sums - zero * weights, as floats.
inline Vec whole(const float* sums, std::int32_t zero, const std::int32_t* weights) {
  const __m512i less = _mm512_mullo_epi32(_mm512_set1_epi32(zero), _mm512_loadu_si512(weights));
  return {_mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_loadu_si512(sums), less))};
}

constexpr std::uint32_t kTileRows = 12;
constexpr std::uint32_t kTilePanels = 2;

#include "vecmill/encode/kernels/kernels.inc"

}  // namespace

const Kernels kKernels{product, softmax, norm, quantize, apply, exp_all, multiply_adds};

}  // namespace vecmill::encode::avx512
