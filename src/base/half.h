#pragma once

#include <cstdint>

namespace vecmill {

/// IEEE half precision, round to nearest even.
[[nodiscard]] std::uint16_t to_half(float value);
[[nodiscard]] float from_half(std::uint16_t half);

}  // namespace vecmill
