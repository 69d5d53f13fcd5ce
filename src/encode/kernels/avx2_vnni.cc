// As AVX2, but four products of bytes are added to a sum at once, in 32 bits.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx2_vnni {
namespace {

#include "vecmill/encode/kernels/avx2_lanes.inc"

inline void add_dot(IntVec& sum, Bytes a, const std::int8_t* w) {
  sum = {_mm256_dpbusd_avx_epi32(sum.lo, a, load_whole(w)),
         _mm256_dpbusd_avx_epi32(sum.hi, a, load_whole(w + 32))};
}
inline void add_words(IntVec& sum, Bytes a, const std::int16_t* w) {
  sum = {_mm256_dpwssd_avx_epi32(sum.lo, a, load_whole(w)),
         _mm256_dpwssd_avx_epi32(sum.hi, a, load_whole(w + 16))};
}

constexpr std::uint32_t kTileRows = 6;
constexpr std::uint32_t kTilePanels = 1;
constexpr std::uint32_t kBlockK = 384;
constexpr std::uint32_t kGrain = 1;
// The loop's own instructions would cost a tenth of what the processor can issue.
[[maybe_unused]] constexpr int kUnroll = 8;
constexpr bool kFloats = false;

#include "vecmill/encode/kernels/whole.inc"

}  // namespace

const WholeKernels kWhole{product, byte_multiply_adds};

}  // namespace vecmill::encode::avx2_vnni
