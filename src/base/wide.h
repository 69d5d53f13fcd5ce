#pragma once

#include <cstdint>

namespace vecmill {

__extension__ typedef unsigned __int128 Wide;

/// a * b / c, rounded down or up, without overflow on the way. The result must fit; c > 0.
[[nodiscard]] inline std::uint64_t scale_down(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  return static_cast<std::uint64_t>(static_cast<Wide>(a) * b / c);
}

[[nodiscard]] inline std::uint64_t scale_up(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  return static_cast<std::uint64_t>((static_cast<Wide>(a) * b + c - 1) / c);
}

}  // namespace vecmill
