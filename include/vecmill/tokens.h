#pragma once

#include <cstddef>
#include <cstdint>

namespace vecmill {

using TokenId = std::int32_t;

/// What to do with a text that has more tokens than the model takes.
enum class Truncate : std::uint8_t { kEnd, kStart, kError };

}  // namespace vecmill
