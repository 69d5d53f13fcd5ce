#pragma once

#include <string>
#include <string_view>

namespace vecmill::tokenize {

/// `text` with U+FFFD for each stretch that is the start of a character and no more, or for each
/// byte that cannot be one: what Python's errors="replace" does.
[[nodiscard]] std::string repair_utf8(std::string_view text);

}  // namespace vecmill::tokenize
