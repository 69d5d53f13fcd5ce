#pragma once

#include <string>
#include <string_view>

namespace vecmill {

/// HMAC-SHA-256 in 64 lower-case hex digits.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view secret, std::string_view message);

}  // namespace vecmill
