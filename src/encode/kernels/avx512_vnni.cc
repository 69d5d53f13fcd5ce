// As AVX-512, but four products of bytes are added to a sum at once, in 32 bits.
#include <immintrin.h>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx512_vnni {
namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"

inline IntVec dot(IntVec sum, Bytes a, const std::int8_t* w) {
  return {_mm512_dpbusd_epi32(sum.v, a, _mm512_loadu_si512(w))};
}

constexpr std::uint32_t kTileRows = 12;
constexpr std::uint32_t kTilePanels = 2;
constexpr std::uint32_t kBlockK = 384;
constexpr std::uint32_t kGrain = 1;
constexpr bool kFloats = false;

#include "vecmill/encode/kernels/whole.inc"

}  // namespace

void whole_product(const Product& p) { product(p); }

}  // namespace vecmill::encode::avx512_vnni
