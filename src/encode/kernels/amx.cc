// Whole numbers in tiles of 16 rows by 16 outputs by 64 of k. A row's bytes and a panel lie in
// memory as tiles want them: each is loaded where it is.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::amx {
namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"
#include "vecmill/encode/kernels/sums.inc"

constexpr std::uint32_t kTileRows = 32;
constexpr std::uint32_t kTilePanels = 2;
constexpr std::uint32_t kBlockK = 192;  // two panels take half of the first-level cache
constexpr std::uint32_t kGrain = 16;    // groups of four in a tile

/// The registers: sums in 0 to 3 (upper and lower rows by two panels), rows in 4 and 5, panels in
/// 6 and 7.
struct Tiles {
  std::uint32_t upper = 0, lower = 0;  ///< rows
  std::uint32_t quads = 0;

  bool operator==(const Tiles&) const = default;
};

/// As the processor reads it.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

thread_local Tiles configured;

/// The sums are lost. Not the intrinsic: GCC 12 does not see that it reads the whole of it.
void configure(const Tiles& wanted) {
  if (wanted == configured) return;
  TileConfig config;
  const auto set = [&](int tile, std::uint32_t rows, std::uint32_t row_bytes) {
    if (rows == 0) return;
    config.rows[tile] = static_cast<std::uint8_t>(rows);
    config.row_bytes[tile] = static_cast<std::uint16_t>(row_bytes);
  };
  for (const int panel : {0, 1}) {
    set(panel, wanted.upper, 64);
    set(2 + panel, wanted.lower, 64);
    set(6 + panel, wanted.quads, 64);
  }
  set(4, wanted.upper, wanted.quads * 4);
  set(5, wanted.lower, wanted.quads * 4);
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  configured = wanted;
}

/// One stretch of k that tiles of one shape cover.
struct Stretch {
  const std::uint8_t* upper;   ///< bytes of the first row
  const std::uint8_t* lower;   ///< and of the first row of the lower tile
  const std::int8_t* panel;    ///< the first
  const std::int8_t* panel_2;  ///< the second
  std::size_t row_stride;
  std::uint32_t count;  ///< of tiles along k
  bool first;           ///< sums start at 0
};

template <bool kLower, bool kSecond>
void multiply(const Stretch& s, std::uint32_t upper_rows, float* sums) {
  constexpr std::size_t kStride = kSecond ? 128 : 64;
  float* lower_sums = sums + upper_rows * kStride / sizeof(float);
  if (s.first) {
    _tile_zero(0);
    if constexpr (kSecond) _tile_zero(1);
    if constexpr (kLower) _tile_zero(2);
    if constexpr (kLower && kSecond) _tile_zero(3);
  } else {
    _tile_loadd(0, sums, kStride);
    if constexpr (kSecond) _tile_loadd(1, sums + 16, kStride);
    if constexpr (kLower) _tile_loadd(2, lower_sums, kStride);
    if constexpr (kLower && kSecond) _tile_loadd(3, lower_sums + 16, kStride);
  }
  for (std::uint32_t i = 0; i < s.count; ++i) {
    _tile_loadd(4, s.upper + std::size_t{i} * 64, s.row_stride);
    _tile_loadd(6, s.panel + std::size_t{i} * 1024, 64);
    _tile_dpbusd(0, 4, 6);
    if constexpr (kSecond) {
      _tile_loadd(7, s.panel_2 + std::size_t{i} * 1024, 64);
      _tile_dpbusd(1, 4, 7);
    }
    if constexpr (kLower) {
      _tile_loadd(5, s.lower + std::size_t{i} * 64, s.row_stride);
      _tile_dpbusd(2, 5, 6);
    }
    if constexpr (kLower && kSecond) _tile_dpbusd(3, 5, 7);
  }
  _tile_stored(0, sums, kStride);
  if constexpr (kSecond) _tile_stored(1, sums + 16, kStride);
  if constexpr (kLower) _tile_stored(2, lower_sums, kStride);
  if constexpr (kLower && kSecond) _tile_stored(3, lower_sums + 16, kStride);
}

void run_stretch(const Stretch& s, const Tiles& tiles, std::uint32_t panels, float* sums) {
  configure(tiles);
  if (tiles.lower == 0) {
    return panels == 1 ? multiply<false, false>(s, tiles.upper, sums)
                       : multiply<false, true>(s, tiles.upper, sums);
  }
  return panels == 1 ? multiply<true, false>(s, tiles.upper, sums)
                     : multiply<true, true>(s, tiles.upper, sums);
}

template <std::uint32_t kRows, std::uint32_t kPanels>
void leave_rows(const Product& p, const Step& step) {
  IntVec sums[kRows * kPanels];
  repeat<kRows * kPanels>([&](auto n) VECMILL_INLINE { sums[n] = load_sums(step.spill + n * 16); });
  leave_floats<kRows, kPanels>(p, step, sums);
}

template <std::uint32_t kPanels>
void leave_all(const Product& p, Step step, std::uint32_t rows) {
  constexpr std::uint32_t kAtOnce = 8;
  for (; rows >= kAtOnce; rows -= kAtOnce) {
    leave_rows<kAtOnce, kPanels>(p, step);
    step.row += kAtOnce;
    step.spill += kAtOnce * kPanels * 16;
  }
  for (; rows > 0; --rows) {
    leave_rows<1, kPanels>(p, step);
    ++step.row;
    step.spill += kPanels * 16;
  }
}

void add_up(const Product& p, const Step& step, const TileShape& shape) {
  const Quantized& q = *p.quantized;
  const std::size_t groups = (std::size_t{p.k} + 3) / 4;
  Tiles tiles{shape.rows <= 16 ? shape.rows : (shape.rows + 1) / 2, 0, kGrain};
  tiles.lower = shape.rows - tiles.upper;
  Stretch s;
  s.row_stride = groups * 4;
  s.upper = q.bytes + (step.row * groups + step.first_k) * 4;
  s.lower = s.upper + tiles.upper * s.row_stride;
  s.panel = q.weights->bytes + (step.panel * groups + step.first_k) * 64;
  s.panel_2 = s.panel + groups * 64;
  const std::uint32_t quads = step.last_k - step.first_k;
  s.count = quads / kGrain;
  s.first = step.first_k == 0;
  if (s.count > 0) {
    run_stretch(s, tiles, shape.panels, step.spill);
    s.first = false;
  }
  tiles.quads = quads % kGrain;
  if (tiles.quads == 0) return;
  s.upper += std::size_t{s.count} * 64;
  s.lower += std::size_t{s.count} * 64;
  s.panel += std::size_t{s.count} * 1024;
  s.panel_2 += std::size_t{s.count} * 1024;
  s.count = 1;
  run_stretch(s, tiles, shape.panels, step.spill);
}

void run_tile(const Product& p, const Step& step, const TileShape& shape) {
  add_up(p, step, shape);
  if (step.last_k < (p.k + 3) / 4) return;
  shape.panels == 1 ? leave_all<1>(p, step, shape.rows) : leave_all<2>(p, step, shape.rows);
}

#include "vecmill/encode/kernels/math.inc"
#include "vecmill/encode/kernels/product.inc"

/// The tiles are this thread's: other code may have used them since, and may want to.
void whole_product(const Product& p) {
  configured = {};
  product(p);
  _tile_release();
}

std::uint64_t byte_multiply_adds(std::uint32_t steps) {
  configured = {};
  configure({16, 16, kGrain});
  alignas(64) std::uint8_t bytes[1024];
  for (std::uint32_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<std::uint8_t>(i % 64);
  _tile_loadd(4, bytes, 64);
  _tile_loadd(5, bytes, 64);
  _tile_loadd(6, bytes, 64);
  _tile_loadd(7, bytes, 64);
  for (std::uint32_t step = 0; step < steps; ++step) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
  return std::uint64_t{2} * 4 * 16 * 1024 * steps;
}

}  // namespace

const WholeKernels kWhole{whole_product, byte_multiply_adds};

}  // namespace vecmill::encode::amx
