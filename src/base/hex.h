#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vecmill {

/// Two lower-case digits for each byte.
[[nodiscard]] std::string hex(std::span<const std::byte> bytes);

}  // namespace vecmill
