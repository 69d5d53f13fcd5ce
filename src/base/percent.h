#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecmill {

/// A part of an address (RFC 3986): all but letters, digits and -._~ as % and two digits.
///   keep_slash  several segments of a path, with / between them
[[nodiscard]] std::string percent_encode(std::string_view text, bool keep_slash = false);

/// "a%20b" as "a b"; nothing where a '%' has no two hexadecimal digits behind it, or for U+0000.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace vecmill
