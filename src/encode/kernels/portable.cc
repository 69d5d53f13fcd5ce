// The reference for all other instruction sets: 16 floats, one operation at a time. Slow and right
// on any processor. The tests compile it a second time with the tile of AVX-512.
#define VECMILL_PLAIN_LOOPS
#include <cmath>
#include <cstdint>
#include <cstring>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

#ifdef VECMILL_WIDE_TILE
namespace vecmill::encode::wide_tile {
#else
namespace vecmill::encode::portable {
#endif

namespace {

#include "vecmill/encode/kernels/portable_lanes.inc"

/// Adds to each lane the products of four bytes with four weights. Out of line, or the unrolled
/// tiles take minutes to compile.
[[gnu::noinline]] void add_dot(IntVec& sum, Bytes a, const std::int8_t* w) {
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t k = 0; k < 4; ++k) sum.lane[i] += a[k] * w[i * 4 + k];
  }
}
/// The same of two words with two.
[[gnu::noinline]] void add_words(IntVec& sum, Bytes a, const std::int16_t* w) {
  std::int16_t two[2];
  std::memcpy(two, a, sizeof two);
  for (std::size_t i = 0; i < 16; ++i) sum.lane[i] += two[0] * w[i * 2] + two[1] * w[i * 2 + 1];
}
#ifdef VECMILL_WIDE_TILE
constexpr std::uint32_t kTileRows = 12;
constexpr std::uint32_t kTilePanels = 2;
#else
constexpr std::uint32_t kTileRows = 4;
constexpr std::uint32_t kTilePanels = 1;
#endif
constexpr std::uint32_t kBlockK = 384;
constexpr std::uint32_t kGrain = 1;
[[maybe_unused]] constexpr int kUnroll = 1;
constexpr bool kFloats = true;

#include "vecmill/encode/kernels/kernels.inc"

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels{product, softmax, norm,          quantize,          words,
                       apply,   exp_all, multiply_adds, byte_multiply_adds};

}  // namespace vecmill::encode::portable
