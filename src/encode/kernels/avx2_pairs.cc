// Pairs of bf16 become floats, which are multiplied as such.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx2 {
namespace {

#include "vecmill/encode/kernels/avx2_lanes.inc"

inline __m256 second(__m256 pairs) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
  return _mm256_and_ps(pairs, _mm256_castsi256_ps(upper));
}
inline __m256 first(__m256 pairs) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pairs), 16));
}
inline __m256 multiply_add(__m256 a, __m256 b, __m256 sum) {
  return _mm256_fmadd_ps(first(a), first(b), _mm256_fmadd_ps(second(a), second(b), sum));
}
inline Vec multiply_add(Vec a, Vec b, Vec sum) {
  return {multiply_add(a.lo, b.lo, sum.lo), multiply_add(a.hi, b.hi, sum.hi)};
}

/// As `to_bf16`, the upper 16 bits of each lane 0.
inline __m256i halves(__m256 a) {
  const __m256i bits = _mm256_castps_si256(a);
  const __m256i upper = _mm256_srli_epi32(bits, 16);
  const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
  const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
  __m256i result = _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
  const __m256i exponent = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f800000));
  const __m256i tiny = _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256());
  const __m256i sign = _mm256_and_si256(upper, _mm256_set1_epi32(0x8000));
  result = _mm256_blendv_epi8(result, sign, tiny);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  return _mm256_blendv_epi8(result, _mm256_or_si256(upper, _mm256_set1_epi32(0x40)), nan);
}
inline void store_halves(std::uint16_t* p, Vec a) {
  const __m256i mixed = _mm256_packus_epi32(halves(a.lo), halves(a.hi));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(mixed, 0xd8));
}
constexpr std::uint32_t kTileRows = 5;  // beside their sums the halves of a panel stay in registers
constexpr std::uint32_t kTilePanels = 1;
constexpr std::uint32_t kBlockK = 384;
constexpr std::uint32_t kGrain = 1;
[[maybe_unused]] constexpr int kUnroll = 1;

#include "vecmill/encode/kernels/pairs.inc"

}  // namespace

const PairKernels kPairs{product, round, multiply_adds};

}  // namespace vecmill::encode::avx2
