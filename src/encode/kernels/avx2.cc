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

constexpr std::uint32_t kTileRows = 6;
constexpr std::uint32_t kTilePanels = 1;

#include "vecmill/encode/kernels/kernels.inc"

}  // namespace

const Kernels kKernels{product, softmax, norm, apply, exp_all, multiply_adds};

}  // namespace vecmill::encode::avx2
