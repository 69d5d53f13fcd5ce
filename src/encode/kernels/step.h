#pragma once

#include <cstdint>

#include "vecmill/base/instrumented.h"

// Copies of a loop's body are for speed; sanitizers, and the portable kernels
// with their loops over lanes, make so much of each that it takes minutes.
#ifdef VECMILL_PLAIN_LOOPS
#define VECMILL_INLINE
#else  // under a sanitizer too, where calls make a product twenty times slower
#define VECMILL_INLINE __attribute__((always_inline))
#endif
#if VECMILL_INSTRUMENTED || defined(VECMILL_PLAIN_LOOPS)
#define VECMILL_UNROLL(times)
#else
#define VECMILL_UNROLL(times) VECMILL_PRAGMA(GCC unroll times)
#define VECMILL_PRAGMA(text) _Pragma(#text)
#endif

namespace vecmill::encode {

/// What one tile of a product has to do.
struct Step {
  std::uint32_t row, panel;       ///< of the tile's corner
  std::uint32_t first_k, last_k;  ///< of this block; groups of four for whole numbers
  float* spill;                   ///< [rows of the tile][panels of the tile][16]; floats in the end
  bool finish;                    ///< the last block, and the tile itself writes to `out`
  const float* prefetch;          ///< what will be needed next, or null
};

struct TileShape {
  std::uint32_t rows, panels;
  bool prefetch;
};

}  // namespace vecmill::encode
