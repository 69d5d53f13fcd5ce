#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecmill {

/// The bytes that standard base64 with its padding stands for; nothing when it is malformed.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace vecmill
