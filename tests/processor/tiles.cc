// After Intel's Software Developer's Manual, volume 2: each instruction's operation, its conditions
// for #UD and #GP included.
#include "tiles.h"

#include <xmmintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vecmill::processor {
namespace {

constexpr unsigned kTiles = 8, kMaxRows = 16, kMaxRowBytes = 64;

struct Tile {
  unsigned rows = 0, row_bytes = 0;
  std::uint8_t bytes[kMaxRows][kMaxRowBytes] = {};

  template <class Number>
  [[nodiscard]] Number at(unsigned row, unsigned index) const {
    Number number;
    std::memcpy(&number, bytes[row] + index * sizeof number, sizeof number);
    return number;
  }
  template <class Number>
  void put(unsigned row, unsigned index, Number number) {
    std::memcpy(bytes[row] + index * sizeof number, &number, sizeof number);
  }
};

struct TileState {
  bool configured = false;
  Tile tiles[kTiles];
};

// A signal handler may not have them made on first use.
thread_local TileState state __attribute__((tls_model("initial-exec")));

bool all_zero(const std::uint8_t* from, const std::uint8_t* to) {
  return std::all_of(from, to, [](std::uint8_t byte) { return byte == 0; });
}

const char* load_config(const std::uint8_t* config) {
  constexpr unsigned kRowBytes = 16, kRows = 48;
  if (config[0] == 0) {
    state = {};
    return nullptr;
  }
  if (config[0] != 1) return "LDTILECFG: no such palette";
  if (config[1] != 0) return "LDTILECFG: starts within a tile";
  if (!all_zero(config + 2, config + 16) || !all_zero(config + 32, config + 48) ||
      !all_zero(config + 56, config + 64)) {
    return "LDTILECFG: reserved bytes are not 0";
  }
  TileState wanted;
  wanted.configured = true;
  for (unsigned t = 0; t < kTiles; ++t) {
    Tile& tile = wanted.tiles[t];
    tile.rows = config[kRows + t];
    tile.row_bytes = config[kRowBytes + 2 * t] + 256U * config[kRowBytes + 2 * t + 1];
    if (tile.rows > kMaxRows || tile.row_bytes > kMaxRowBytes) return "LDTILECFG: too large a tile";
    if ((tile.rows == 0) != (tile.row_bytes == 0)) return "LDTILECFG: a tile half empty";
  }
  state = wanted;
  return nullptr;
}

const char* refused(unsigned tile) {
  if (!state.configured) return "no tiles are configured";
  if (tile >= kTiles) return "no such tile";
  if (state.tiles[tile].rows == 0) return "the tile is not configured";
  if (state.tiles[tile].row_bytes % 4 != 0) return "the tile has no whole groups of four bytes";
  return nullptr;
}

const char* move(const Instruction& what, bool store) {
  if (const char* why = refused(what.reg)) return why;
  if (!what.memory || !what.sib) return "a tile wants a base and an index";
  Tile& tile = state.tiles[what.reg];
  if (!store) std::memset(tile.bytes, 0, sizeof tile.bytes);
  for (unsigned row = 0; row < tile.rows; ++row) {
    auto* memory = reinterpret_cast<std::uint8_t*>(what.base + row * what.index);
    store ? std::memcpy(memory, tile.bytes[row], tile.row_bytes)
          : std::memcpy(tile.bytes[row], memory, tile.row_bytes);
  }
  return nullptr;
}

template <class A, class B>
void add_bytes(Tile& sums, const Tile& a, const Tile& b) {
  for (unsigned m = 0; m < sums.rows; ++m) {
    for (unsigned n = 0; n < sums.row_bytes / 4; ++n) {
      auto sum = sums.at<std::uint32_t>(m, n);
      for (unsigned k = 0; k < a.row_bytes; ++k) {
        sum += static_cast<std::uint32_t>(a.at<A>(m, k) * b.at<B>(k / 4, 4 * n + k % 4));
      }
      sums.put(m, n, sum);
    }
  }
}

float widened(std::uint16_t half) {
  const std::uint32_t bits = std::uint32_t{half} << 16;
  float wide = 0;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

/// First and second halves of all pairs are added up apart, each product by a fused multiply-add
/// rounded to nearest even; what is too small to be normal is 0, before and after.
void add_pairs(Tile& sums, const Tile& a, const Tile& b) {
  constexpr unsigned kTinyIsZero = 0x8040, kDefault = 0x1f80;
  const unsigned before = _mm_getcsr();
  _mm_setcsr(kDefault | kTinyIsZero);
  for (unsigned m = 0; m < sums.rows; ++m) {
    float chains[kMaxRowBytes / 2] = {};
    for (unsigned k = 0; k < a.row_bytes / 4; ++k) {
      const float first = widened(a.at<std::uint16_t>(m, 2 * k));
      const float second = widened(a.at<std::uint16_t>(m, 2 * k + 1));
      for (unsigned n = 0; n < sums.row_bytes / 2; ++n) {
        chains[n] =
            std::fma(n % 2 == 0 ? first : second, widened(b.at<std::uint16_t>(k, n)), chains[n]);
      }
    }
    for (unsigned n = 0; n < sums.row_bytes / 4; ++n) {
      sums.put(m, n, sums.at<float>(m, n) + (chains[2 * n] + chains[2 * n + 1]));
    }
  }
  _mm_setcsr(before);
}

const char* multiply(const Instruction& what) {
  const unsigned operands[] = {what.reg, what.rm, what.other};
  for (const unsigned tile : operands) {
    if (const char* why = refused(tile)) return why;
  }
  if (what.reg == what.rm || what.reg == what.other || what.rm == what.other) {
    return "a product wants three different tiles";
  }
  Tile& sums = state.tiles[what.reg];
  const Tile &a = state.tiles[what.rm], &b = state.tiles[what.other];
  if (sums.rows != a.rows || sums.row_bytes != b.row_bytes || a.row_bytes / 4 != b.rows) {
    return "the tiles do not fit to one another";
  }
  if (what.opcode == 0x5c) {
    add_pairs(sums, a, b);
    return nullptr;
  }
  switch (what.prefix) {
    case Instruction::kNone: add_bytes<std::uint8_t, std::uint8_t>(sums, a, b); break;
    case Instruction::k66: add_bytes<std::uint8_t, std::int8_t>(sums, a, b); break;
    case Instruction::kF3: add_bytes<std::int8_t, std::uint8_t>(sums, a, b); break;
    case Instruction::kF2: add_bytes<std::int8_t, std::int8_t>(sums, a, b); break;
  }
  return nullptr;
}

/// TILERELEASE, LDTILECFG and TILEZERO.
const char* configure(const Instruction& what) {
  if (what.prefix == Instruction::kNone) {
    if (what.memory) return load_config(reinterpret_cast<const std::uint8_t*>(what.address()));
    state = {};
    return nullptr;
  }
  if (what.prefix != Instruction::kF2 || what.memory) return "";
  if (const char* why = refused(what.reg)) return why;
  std::memset(state.tiles[what.reg].bytes, 0, sizeof state.tiles[what.reg].bytes);
  return nullptr;
}

}  // namespace

const char* run_tiles(const Instruction& what) {
  if (what.wide) return "";
  switch (what.opcode) {
    case 0x49: return configure(what);
    case 0x4b:
      return what.prefix == Instruction::kNone ? "" : move(what, what.prefix == Instruction::kF3);
    case 0x5c: return what.prefix == Instruction::kF3 && !what.memory ? multiply(what) : "";
    case 0x5e: return what.memory ? "" : multiply(what);
    default: return "";
  }
}

}  // namespace vecmill::processor
