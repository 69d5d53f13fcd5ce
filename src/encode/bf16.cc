#include "vecmill/encode/bf16.h"

#include <algorithm>

namespace vecmill::encode {

void pack_pairs(const float* weights, std::uint32_t out, std::uint32_t in, std::uint16_t* packed) {
  for (std::uint32_t first = 0; first < out; first += kPanel) {
    const std::uint32_t rows = std::min(kPanel, out - first);
    const auto weight = [&](std::uint32_t row, std::uint32_t k) -> std::uint16_t {
      return row < rows && k < in ? to_bf16(weights[std::size_t{first + row} * in + k]) : 0;
    };
    for (std::uint32_t k = 0; k < in; k += 2) {
      for (std::uint32_t row = 0; row < kPanel; ++row) {
        *packed++ = weight(row, k);
        *packed++ = weight(row, k + 1);
      }
    }
  }
}

}  // namespace vecmill::encode
