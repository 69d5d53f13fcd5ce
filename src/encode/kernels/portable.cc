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

#include "vecmill/encode/kernels/repeat.inc"

struct Vec {
  float lane[16];
};

template <class Op>
inline Vec each(Op op) {
  Vec result;
  for (int i = 0; i < 16; ++i) result.lane[i] = op(i);
  return result;
}
inline std::int32_t bits(float x) {
  std::int32_t result;
  std::memcpy(&result, &x, sizeof result);
  return result;
}
inline float from_bits(std::uint32_t x) {
  float result;
  std::memcpy(&result, &x, sizeof result);
  return result;
}

inline Vec load(const float* p) {
  return each([&](int i) { return p[i]; });
}
inline void store(float* p, const Vec& a) { std::memcpy(p, a.lane, sizeof a.lane); }
inline Vec all(float x) {
  return each([&](int) { return x; });
}
inline Vec add(const Vec& a, const Vec& b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Vec sub(const Vec& a, const Vec& b) {
  return each([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Vec mul(const Vec& a, const Vec& b) {
  return each([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline Vec div(const Vec& a, const Vec& b) {
  return each([&](int i) { return a.lane[i] / b.lane[i]; });
}
inline Vec fma(const Vec& a, const Vec& b, const Vec& c) {
  return each([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
// As the processors' max and min: the second operand wins where the two do not compare.
inline Vec max(const Vec& a, const Vec& b) {
  return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vec min(const Vec& a, const Vec& b) {
  return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
/// y where x >= limit, else 0.
inline Vec keep_from(const Vec& x, float limit, const Vec& y) {
  return each([&](int i) { return x.lane[i] >= limit ? y.lane[i] : 0.0F; });
}
/// y * 2^n, where the low bits of t hold n.
inline Vec times_power_of_two(const Vec& y, const Vec& t) {
  return each([&](int i) {
    return from_bits((static_cast<std::uint32_t>(bits(t.lane[i])) << 23) +
                     static_cast<std::uint32_t>(bits(y.lane[i])));
  });
}

/// The lanes as a tree: lane i with lane i + 8, then with i + 4, i + 2 and i + 1.
template <class Operation>
inline float join(Vec a, Operation operation) {
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) a.lane[i] = operation(a.lane[i], a.lane[i + width]);
  }
  return a.lane[0];
}
inline float total(const Vec& a) {
  return join(a, [](float x, float y) { return x + y; });
}
inline float largest(const Vec& a) {
  return join(a, [](float x, float y) { return x > y ? x : y; });
}
inline float smallest(const Vec& a) {
  return join(a, [](float x, float y) { return x < y ? x : y; });
}

/// The low byte of each lane.
inline void store_bytes(std::uint8_t* p, const Vec& a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<std::uint8_t>(bits(a.lane[i]));
}

struct IntVec {
  std::int32_t lane[16];
};
using Bytes = const std::uint8_t*;

inline IntVec load_sums(const float* p) {
  IntVec result;
  std::memcpy(result.lane, p, sizeof result.lane);
  return result;
}
inline void store_sums(float* p, const IntVec& a) { std::memcpy(p, a.lane, sizeof a.lane); }
inline Bytes all_bytes(const std::uint8_t* a) { return a; }
/// Adds to each lane the products of four bytes with four weights. Out of line, or the unrolled
/// tiles take minutes to compile.
[[gnu::noinline]] void add_dot(IntVec& sum, Bytes a, const std::int8_t* w) {
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 4; ++k) sum.lane[i] += a[k] * w[i * 4 + k];
  }
}
/// sums - zero * weights, as floats.
inline Vec whole(const IntVec& sums, std::int32_t zero, const std::int32_t* weights) {
  return each([&](int i) { return static_cast<float>(sums.lane[i] - zero * weights[i]); });
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
const Kernels kKernels{product, softmax, norm,          quantize,
                       apply,   exp_all, multiply_adds, byte_multiply_adds};

}  // namespace vecmill::encode::portable
