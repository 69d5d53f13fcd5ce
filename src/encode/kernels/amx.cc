// Whole numbers in tiles of 16 rows by 16 outputs by 64 of k, bf16 by 32 of k. A row and a panel
// lie in memory as tiles want them: each is loaded where it is.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

// soft_tiles_test.cc has the instructions in plain code.
#ifdef VECMILL_SOFT_TILES
namespace vecmill::encode::soft_tiles {
#else
namespace vecmill::encode::amx {
#endif

namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"
#include "vecmill/encode/kernels/sums.inc"

constexpr std::uint32_t kTileRows = 32;
constexpr std::uint32_t kTilePanels = 2;
constexpr std::uint32_t kBlockK = 192;  // two panels take half of the first-level cache
constexpr std::uint32_t kGrain = 16;    // groups of four bytes in a tile

/// The registers: sums in 0 to 3 (upper and lower rows by two panels), rows in 4 and 5, panels in
/// 6 and 7.
struct Tiles {
  std::uint32_t upper = 0, lower = 0;  ///< rows
  std::uint32_t groups = 0;

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
    set(6 + panel, wanted.groups, 64);
  }
  set(4, wanted.upper, wanted.groups * 4);
  set(5, wanted.lower, wanted.groups * 4);
#ifdef VECMILL_SOFT_TILES
  load_config(config.rows, config.row_bytes);
#else
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
#endif
  configured = wanted;
}

/// One stretch of k that tiles of one shape cover.
struct Stretch {
  const char* upper;    ///< the first row
  const char* lower;    ///< the first row of the lower tile
  const char* panel;    ///< the first
  const char* panel_2;  ///< the second
  std::size_t row_stride;
  std::uint32_t count;  ///< of tiles along k
  bool first;           ///< sums start at 0
};

// The instructions want the numbers of their tiles as they are written.
#define VECMILL_ADD_PRODUCTS(sums, rows, panel) \
  if constexpr (kPairs) {                       \
    _tile_dpbf16ps(sums, rows, panel);          \
  } else {                                      \
    _tile_dpbusd(sums, rows, panel);            \
  }

template <bool kPairs, bool kLower, bool kSecond>
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
    VECMILL_ADD_PRODUCTS(0, 4, 6)
    if constexpr (kSecond) {
      _tile_loadd(7, s.panel_2 + std::size_t{i} * 1024, 64);
      VECMILL_ADD_PRODUCTS(1, 4, 7)
    }
    if constexpr (kLower) {
      _tile_loadd(5, s.lower + std::size_t{i} * 64, s.row_stride);
      VECMILL_ADD_PRODUCTS(2, 5, 6)
    }
    if constexpr (kLower && kSecond) {
      VECMILL_ADD_PRODUCTS(3, 5, 7)
    }
  }
  _tile_stored(0, sums, kStride);
  if constexpr (kSecond) _tile_stored(1, sums + 16, kStride);
  if constexpr (kLower) _tile_stored(2, lower_sums, kStride);
  if constexpr (kLower && kSecond) _tile_stored(3, lower_sums + 16, kStride);
}

template <bool kPairs>
void multiply(const Stretch& s, const Tiles& tiles, std::uint32_t panels, float* sums) {
  if (tiles.lower == 0) {
    return panels == 1 ? multiply<kPairs, false, false>(s, tiles.upper, sums)
                       : multiply<kPairs, false, true>(s, tiles.upper, sums);
  }
  return panels == 1 ? multiply<kPairs, true, false>(s, tiles.upper, sums)
                     : multiply<kPairs, true, true>(s, tiles.upper, sums);
}

/// Where rows and panels lie, how many groups of four bytes a row has, and how far apart rows are.
struct Operands {
  const char* rows;
  const char* panels;
  std::size_t groups, row_stride;
};

Operands operands(const Product& p) {
  if (p.pairs) {
    return {reinterpret_cast<const char*>(p.a), reinterpret_cast<const char*>(p.panels), p.k,
            p.a_stride * 4};
  }
  const std::size_t groups = (std::size_t{p.k} + 3) / 4;
  return {reinterpret_cast<const char*>(p.quantized->bytes),
          reinterpret_cast<const char*>(p.quantized->weights->bytes), groups, groups * 4};
}

void add_up(const Product& p, const Step& step, const TileShape& shape) {
  const auto [rows, panels, groups, row_stride] = operands(p);
  Tiles tiles{shape.rows <= 16 ? shape.rows : (shape.rows + 1) / 2, 0, kGrain};
  tiles.lower = shape.rows - tiles.upper;
  Stretch s;
  s.row_stride = row_stride;
  s.upper = rows + step.row * row_stride + std::size_t{step.first_k} * 4;
  s.lower = s.upper + tiles.upper * s.row_stride;
  s.panel = panels + (step.panel * groups + step.first_k) * 64;
  s.panel_2 = s.panel + groups * 64;
  const std::uint32_t depth = step.last_k - step.first_k;
  const auto run = [&] {
    configure(tiles);
    p.pairs ? multiply<true>(s, tiles, shape.panels, step.spill)
            : multiply<false>(s, tiles, shape.panels, step.spill);
  };
  s.count = depth / kGrain;
  s.first = step.first_k == 0;
  if (s.count > 0) {
    run();
    s.first = false;
  }
  tiles.groups = depth % kGrain;
  if (tiles.groups == 0) return;
  s.upper += std::size_t{s.count} * 64;
  s.lower += std::size_t{s.count} * 64;
  s.panel += std::size_t{s.count} * 1024;
  s.panel_2 += std::size_t{s.count} * 1024;
  s.count = 1;
  run();
}

template <std::uint32_t kRows, std::uint32_t kPanels>
void leave_rows(const Product& p, const Step& step) {
  if (p.pairs) {
    Vec sums[kRows * kPanels];
    repeat<kRows * kPanels>([&](auto n) VECMILL_INLINE { sums[n] = load(step.spill + n * 16); });
    return leave<kRows, kPanels>(p, step, sums);
  }
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
    step.spill += std::size_t{kAtOnce} * kPanels * 16;
  }
  for (; rows > 0; --rows) {
    leave_rows<1, kPanels>(p, step);
    ++step.row;
    step.spill += std::size_t{kPanels} * 16;
  }
}

void run_tile(const Product& p, const Step& step, const TileShape& shape) {
  add_up(p, step, shape);
  // The sums of pairs are floats, and where they lie `product` finishes them.
  if (step.last_k < operands(p).groups || (p.pairs && !step.finish)) return;
  shape.panels == 1 ? leave_all<1>(p, step, shape.rows) : leave_all<2>(p, step, shape.rows);
}

#include "vecmill/encode/kernels/math.inc"
#include "vecmill/encode/kernels/product.inc"

/// The tiles are this thread's: other code may have used them since, and may want to.
void tile_product(const Product& p) {
  configured = {};
  product(p);
  _tile_release();
}

template <bool kPairs>
std::uint64_t multiply_adds(std::uint32_t steps) {
  configured = {};
  configure({16, 16, kGrain});
  alignas(64) std::uint8_t bytes[1024];
  for (std::uint32_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<std::uint8_t>(i % 64);
  _tile_loadd(4, bytes, 64);
  _tile_loadd(5, bytes, 64);
  _tile_loadd(6, bytes, 64);
  _tile_loadd(7, bytes, 64);
  for (std::uint32_t step = 0; step < steps; ++step) {
    VECMILL_ADD_PRODUCTS(0, 4, 6)
    VECMILL_ADD_PRODUCTS(1, 4, 7)
    VECMILL_ADD_PRODUCTS(2, 5, 6)
    VECMILL_ADD_PRODUCTS(3, 5, 7)
  }
  _tile_release();
  return std::uint64_t{2} * 4 * 16 * 1024 / (kPairs ? 2 : 1) * steps;
}

}  // namespace

extern const WholeKernels kWhole;
extern const PairKernels kPairs;
const WholeKernels kWhole{
    [](const Product& p) { p.words ? avx512_vnni::kWhole.product(p) : tile_product(p); },
    multiply_adds<false>};
const PairKernels kPairs{tile_product, [](const Round& work) { avx512::kPairs.round(work); },
                         multiply_adds<true>};

}  // namespace vecmill::encode::amx
