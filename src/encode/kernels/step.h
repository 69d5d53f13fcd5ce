#pragma once

#include <cstdint>

namespace vecmill::encode {

/// What one tile of a product has to do.
struct Step {
  std::uint32_t row, panel;       ///< of the tile's corner
  std::uint32_t first_k, last_k;  ///< of this block; groups of four for whole numbers
  float* spill;                   ///< [rows of the tile][panels of the tile][16]
  const float* prefetch;          ///< what will be needed next, or null
};

struct TileShape {
  std::uint32_t rows, panels;
  bool prefetch;
};

}  // namespace vecmill::encode
