// modules: tokenize
#include <cstddef>
#include <cstdint>
#include <string>

#include "vecmill/base/check.h"
#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/charsmap.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto map =
      vecmill::tokenize::Charsmap::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!map) return 0;
  for (char32_t first = 1; first < 0x3000; first += 7) {
    std::string text, out;
    for (const char32_t c : std::u32string{first, 0x301, U'a', first + 1}) {
      vecmill::append_utf8(text, c);
    }
    map->normalize(text, out);
    VECMILL_CHECK(vecmill::is_valid_utf8(out));
  }
  return 0;
}
