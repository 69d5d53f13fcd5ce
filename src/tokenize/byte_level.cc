#include "vecmill/tokenize/byte_level.h"

#include <array>

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {
namespace {

/// Printable Latin-1 stands for itself, the others follow U+0100 in their order.
std::array<std::string, 256> make_alphabet() {
  std::array<std::string, 256> alphabet;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    append_utf8(alphabet[byte], itself ? byte : next++);
  }
  return alphabet;
}

}  // namespace

std::string_view byte_level_char(unsigned char byte) {
  static const std::array<std::string, 256> alphabet = make_alphabet();
  return alphabet[byte];
}

}  // namespace vecmill::tokenize
