#pragma once

#include <string>
#include <string_view>

namespace vecmill {

/// A part of an address (RFC 3986): all but letters, digits and -._~ as % and two digits.
///   keep_slash  several segments of a path, with / between them
[[nodiscard]] std::string percent_encode(std::string_view text, bool keep_slash = false);

}  // namespace vecmill
