// The definition of products in bf16: what VDPBF16PS does, one operation at a time. The caller has
// the processor take numbers that are too small to be normal for 0.
#define VECMILL_PLAIN_LOOPS
#include <cmath>
#include <cstdint>
#include <cstring>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::portable {
namespace {

#include "vecmill/encode/kernels/portable_lanes.inc"

/// The second product of each pair before the first. Out of line, or the unrolled tiles take
/// minutes to compile.
[[gnu::noinline]] Vec multiply_add(const Vec& a, const Vec& b, const Vec& sum) {
  const auto second = [](float pair) {
    return from_bits(static_cast<std::uint32_t>(bits(pair)) & 0xffff0000U);
  };
  const auto first = [](float pair) {
    return from_bits(static_cast<std::uint32_t>(bits(pair)) << 16);
  };
  return each([&](int i) {
    const float half = std::fma(second(a.lane[i]), second(b.lane[i]), sum.lane[i]);
    return std::fma(first(a.lane[i]), first(b.lane[i]), half);
  });
}
inline void store_halves(std::uint16_t* p, const Vec& a) {
  for (int i = 0; i < 16; ++i) p[i] = to_bf16(a.lane[i]);
}
constexpr std::uint32_t kTileRows = 4;
constexpr std::uint32_t kTilePanels = 1;
constexpr std::uint32_t kBlockK = 384;
constexpr std::uint32_t kGrain = 1;
[[maybe_unused]] constexpr int kUnroll = 1;

#include "vecmill/encode/kernels/pairs.inc"

}  // namespace

const PairKernels kPairs{product, round, multiply_adds};

}  // namespace vecmill::encode::portable
