#include "vecmill/base/hex.h"

namespace vecmill {

std::string hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    digits += kDigits[std::to_integer<unsigned>(byte >> 4)];
    digits += kDigits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return digits;
}

}  // namespace vecmill
