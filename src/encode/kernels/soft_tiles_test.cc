// The kernels of AMX over the instructions in plain code, as Intel's manual describes them: whether
// rows, panels, blocks and remainders find to one another does not depend on who multiplies.
// Nothing of the standard library: its code would come out for AVX-512 and might be taken by
// others.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace vecmill::encode::soft_tiles {
namespace {

/// 1 KiB of a row's bytes each.
struct SoftTile {
  std::uint8_t bytes[16][64];
  std::uint32_t rows, row_bytes;

  template <class Number>
  Number at(std::uint32_t row, std::uint32_t index) const {
    Number number;
    __builtin_memcpy(&number, bytes[row] + index * sizeof number, sizeof number);
    return number;
  }
  template <class Number>
  void put(std::uint32_t row, std::uint32_t index, Number number) {
    __builtin_memcpy(bytes[row] + index * sizeof number, &number, sizeof number);
  }
};
SoftTile soft[8];

void load_config(const std::uint8_t* rows, const std::uint16_t* row_bytes) {
  for (int t = 0; t < 8; ++t) {
    soft[t] = {};
    soft[t].rows = rows[t];
    soft[t].row_bytes = row_bytes[t];
  }
}
void load_tile(int t, const void* from, std::size_t stride) {
  __builtin_memset(soft[t].bytes, 0, sizeof soft[t].bytes);
  for (std::uint32_t r = 0; r < soft[t].rows; ++r) {
    __builtin_memcpy(soft[t].bytes[r], static_cast<const char*>(from) + r * stride,
                     soft[t].row_bytes);
  }
}
void store_tile(int t, void* to, std::size_t stride) {
  for (std::uint32_t r = 0; r < soft[t].rows; ++r) {
    __builtin_memcpy(static_cast<char*>(to) + r * stride, soft[t].bytes[r], soft[t].row_bytes);
  }
}
void zero_tile(int t) { __builtin_memset(soft[t].bytes, 0, sizeof soft[t].bytes); }

void add_bytes(int sums, int a, int b) {
  for (std::uint32_t m = 0; m < soft[sums].rows; ++m) {
    for (std::uint32_t n = 0; n < soft[sums].row_bytes / 4; ++n) {
      auto sum = soft[sums].at<std::int32_t>(m, n);
      for (std::uint32_t k = 0; k < soft[a].row_bytes; ++k) {
        sum += soft[a].at<std::uint8_t>(m, k) * soft[b].at<std::int8_t>(k / 4, n * 4 + k % 4);
      }
      soft[sums].put(m, n, sum);
    }
  }
}

float widened(std::uint16_t half) {
  const std::uint32_t bits = std::uint32_t{half} << 16;
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

/// Whoever calls has what is tiny taken for 0.
void add_halves(int sums, int a, int b) {
  for (std::uint32_t m = 0; m < soft[sums].rows; ++m) {
    for (std::uint32_t n = 0; n < soft[sums].row_bytes / 4; ++n) {
      float chains[2] = {0, 0};
      for (std::uint32_t k = 0; k < soft[a].row_bytes / 2; ++k) {
        const float x = widened(soft[a].at<std::uint16_t>(m, k));
        const float y = widened(soft[b].at<std::uint16_t>(k / 2, n * 2 + k % 2));
        chains[k % 2] = __builtin_fmaf(x, y, chains[k % 2]);
      }
      soft[sums].put(m, n, soft[sums].at<float>(m, n) + (chains[0] + chains[1]));
    }
  }
}

}  // namespace
}  // namespace vecmill::encode::soft_tiles

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_release
#undef _tile_dpbusd
#undef _tile_dpbf16ps
#define _tile_loadd(tile, from, stride) load_tile(tile, from, stride)
#define _tile_stored(tile, to, stride) store_tile(tile, to, stride)
#define _tile_zero(tile) zero_tile(tile)
#define _tile_release() static_cast<void>(0)
#define _tile_dpbusd(sums, a, b) add_bytes(sums, a, b)
#define _tile_dpbf16ps(sums, a, b) add_halves(sums, a, b)
#define VECMILL_SOFT_TILES
#include "vecmill/encode/kernels/amx.cc"
