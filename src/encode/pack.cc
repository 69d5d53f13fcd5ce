#include "vecmill/encode/pack.h"

#include <algorithm>

namespace vecmill::encode {

void pack_linear(const float* weights, std::uint32_t out, std::uint32_t in, float* packed) {
  for (std::uint32_t first = 0; first < out; first += kPanel) {
    const std::uint32_t rows = std::min(kPanel, out - first);
    for (std::uint32_t k = 0; k < in; ++k) {
      for (std::uint32_t row = 0; row < kPanel; ++row) {
        *packed++ = row < rows ? weights[std::size_t{first + row} * in + k] : 0.0F;
      }
    }
  }
}

}  // namespace vecmill::encode
