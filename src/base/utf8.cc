#include "vecmill/base/utf8.h"

#include <simdjson.h>

namespace vecmill {

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text); }

std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (at + size > text.size() || !is_valid_utf8(text.substr(at, size))) return at;
    at += size;
  }
  return at;
}

}  // namespace vecmill
