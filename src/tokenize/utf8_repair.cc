#include "vecmill/tokenize/utf8_repair.h"

#include <cstddef>

namespace vecmill::tokenize {
namespace {

struct Lead {
  std::size_t size;               ///< of the character; 0: no character begins like this
  unsigned char lowest, highest;  ///< of its second byte
};

Lead classify(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2 || byte > 0xF4) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte < 0xF0) {
    return {3, static_cast<unsigned char>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<unsigned char>(byte == 0xED ? 0x9F : 0xBF)};
  }
  return {4, static_cast<unsigned char>(byte == 0xF0 ? 0x90 : 0x80),
          static_cast<unsigned char>(byte == 0xF4 ? 0x8F : 0xBF)};
}

/// The bytes from `at` on that belong to one character.
std::size_t good_bytes(std::string_view text, std::size_t at, Lead lead) {
  std::size_t good = 1;
  for (; good < lead.size && at + good < text.size(); ++good) {
    const auto byte = static_cast<unsigned char>(text[at + good]);
    const unsigned char lowest = good == 1 ? lead.lowest : 0x80;
    const unsigned char highest = good == 1 ? lead.highest : 0xBF;
    if (byte < lowest || byte > highest) break;
  }
  return good;
}

}  // namespace

std::string repair_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Lead lead = classify(static_cast<unsigned char>(text[at]));
    const std::size_t good = good_bytes(text, at, lead);
    if (good == lead.size) {
      out.append(text, at, good);
    } else {
      out += "\xEF\xBF\xBD";
    }
    at += good;
  }
  return out;
}

}  // namespace vecmill::tokenize
