#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/pack.h"

namespace vecmill::encode {

using Floats = std::vector<float>;

inline Floats random_floats(std::size_t count, unsigned seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  Floats values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// Of a product: [rows, k] times [columns, k] transposed.
struct Shape {
  std::uint32_t rows, k, columns;
};

/// Of all columns into `out`, [rows, columns], whose numbers a product replaces all.
inline Product product_into(Floats& out, const Shape& s) {
  out.assign(std::size_t{s.rows} * s.columns, -1);
  Product p;
  p.rows = s.rows;
  p.k = s.k;
  p.columns = s.columns;
  p.last_panel = padded(s.columns) / kPanel;
  p.out = out.data();
  p.out_stride = s.columns;
  return p;
}

}  // namespace vecmill::encode
