#include "vecmill/base/base64.h"

#include <array>
#include <cstdint>

namespace vecmill {
namespace {

constexpr std::uint32_t kNone = 64;

/// What each character stands for; kNone where it stands for nothing.
constexpr auto kValues = [] {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint32_t value(char c) { return kValues[static_cast<unsigned char>(c)]; }

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes(text.size() * 3 / 4, '\0');
  char* out = bytes.data();
  std::uint32_t wrong = 0;
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4, out += 3) {
    const std::uint32_t a = value(text[at]), b = value(text[at + 1]), c = value(text[at + 2]),
                        d = value(text[at + 3]);
    wrong |= (a | b | c | d) & kNone;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    out[0] = static_cast<char>(static_cast<unsigned char>(bits >> 16 & 0xFF));
    out[1] = static_cast<char>(static_cast<unsigned char>(bits >> 8 & 0xFF));
    out[2] = static_cast<char>(static_cast<unsigned char>(bits & 0xFF));
  }
  std::uint32_t bits = 0;
  int held = 0;
  for (; at < text.size(); ++at) {  // two or three characters before the padding
    wrong |= value(text[at]) & kNone;
    bits = bits << 6 | value(text[at]);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    *out++ = static_cast<char>(static_cast<unsigned char>(bits >> held & 0xFF));
  }
  const bool leftover = (bits & ((1U << held) - 1)) != 0;
  if (wrong != 0 || leftover) return std::nullopt;
  return bytes;
}

}  // namespace vecmill
