#pragma once

#include <string>
#include <string_view>

namespace vecmill::tokenize {

/// The visible character that stands for a byte in GPT-2's alphabet, as UTF-8.
[[nodiscard]] std::string_view byte_level_char(unsigned char byte);

}  // namespace vecmill::tokenize
