// 16 lanes in two registers; a tile of 6 rows keeps 12 of the 16 registers as accumulators.
#include <immintrin.h>

#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode::avx2 {
namespace {

struct Vec {
  __m256 lo, hi;
};

inline Vec load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
inline Vec all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
/// y where x >= limit, else 0.
inline Vec keep_from(Vec x, float limit, Vec y) {
  const __m256 l = _mm256_set1_ps(limit);
  return {_mm256_and_ps(_mm256_cmp_ps(x.lo, l, _CMP_GE_OQ), y.lo),
          _mm256_and_ps(_mm256_cmp_ps(x.hi, l, _CMP_GE_OQ), y.hi)};
}
inline __m256 times_power_of_two(__m256 y, __m256 t) {
  return _mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(t), 23), _mm256_castps_si256(y)));
}
/// y * 2^n, where the low bits of t hold n.
inline Vec times_power_of_two(Vec y, Vec t) {
  return {times_power_of_two(y.lo, t.lo), times_power_of_two(y.hi, t.hi)};
}

/// The low byte of each lane.
inline void store_bytes(std::uint8_t* p, Vec a) {
  const __m256i mask = _mm256_set1_epi32(0xff);
  const __m256i words = _mm256_permute4x64_epi64(
      _mm256_packus_epi32(_mm256_and_si256(_mm256_castps_si256(a.lo), mask),
                          _mm256_and_si256(_mm256_castps_si256(a.hi), mask)),
      0xd8);
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}

struct IntVec {
  __m256i lo, hi;
};
using Bytes = __m256i;

inline __m256i load_whole(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline IntVec no_sums() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline IntVec load_sums(const float* p) { return {load_whole(p), load_whole(p + 8)}; }
inline void store_sums(float* p, IntVec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.lo);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.hi);
}
inline Bytes all_bytes(const std::uint8_t* a) {
  std::int32_t four;
  __builtin_memcpy(&four, a, sizeof four);
  return _mm256_set1_epi32(four);
}
/// The sums of two products fit into 16 bits because of how the weights are rounded.
inline __m256i dot(__m256i sum, __m256i a, const std::int8_t* w) {
  const __m256i pairs = _mm256_maddubs_epi16(a, load_whole(w));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline IntVec dot(IntVec sum, Bytes a, const std::int8_t* w) {
  return {dot(sum.lo, a, w), dot(sum.hi, a, w + 32)};
}
inline __m256 whole(const float* sums, __m256i zero, const std::int32_t* weights) {
  return _mm256_cvtepi32_ps(
      _mm256_sub_epi32(load_whole(sums), _mm256_mullo_epi32(zero, load_whole(weights))));
}
/// sums - zero * weights, as floats.
inline Vec whole(const float* sums, std::int32_t zero, const std::int32_t* weights) {
  const __m256i zeros = _mm256_set1_epi32(zero);
  return {whole(sums, zeros, weights), whole(sums + 8, zeros, weights + 8)};
}

constexpr std::uint32_t kTileRows = 6;
constexpr std::uint32_t kTilePanels = 1;

#include "vecmill/encode/kernels/kernels.inc"

}  // namespace

const Kernels kKernels{product, softmax, norm, quantize, apply, exp_all, multiply_adds};

}  // namespace vecmill::encode::avx2
