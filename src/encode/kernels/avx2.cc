// 16 lanes in two registers; a tile of 6 rows keeps 12 of the 16 registers as accumulators.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx2 {
namespace {

#include "vecmill/encode/kernels/avx2_lanes.inc"

/// The sums of two products fit into 16 bits because of how the weights are rounded.
inline __m256i dot(__m256i sum, __m256i a, const std::int8_t* w) {
  const __m256i pairs = _mm256_maddubs_epi16(a, load_whole(w));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline void add_dot(IntVec& sum, Bytes a, const std::int8_t* w) {
  sum = {dot(sum.lo, a, w), dot(sum.hi, a, w + 32)};
}
inline void add_words(IntVec& sum, Bytes a, const std::int16_t* w) {
  sum = {_mm256_add_epi32(sum.lo, _mm256_madd_epi16(a, load_whole(w))),
         _mm256_add_epi32(sum.hi, _mm256_madd_epi16(a, load_whole(w + 16)))};
}
constexpr std::uint32_t kTileRows = 6;
constexpr std::uint32_t kTilePanels = 1;
constexpr std::uint32_t kBlockK = 384;
constexpr std::uint32_t kGrain = 1;
// The loop's own instructions would cost a tenth of what the processor can issue.
[[maybe_unused]] constexpr int kUnroll = 8;
constexpr bool kFloats = true;

#include "vecmill/encode/kernels/kernels.inc"

}  // namespace

const Kernels kKernels{product, softmax, norm,          quantize,          words,
                       apply,   exp_all, multiply_adds, byte_multiply_adds};

}  // namespace vecmill::encode::avx2
