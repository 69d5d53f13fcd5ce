#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecmill {

/// "a%20b" as "a b"; nothing where a '%' has no two hexadecimal digits behind it, or for U+0000.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// A segment of a path: everything but letters, digits and "-._~" as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace vecmill
