// modules: tokenize
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/tokenize/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vecmill::tokenize::Tokenizer;
  const auto tokenizer = Tokenizer::from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!tokenizer) return 0;
  for (const std::string_view text :
       {"", "a b  c", " <s>Ab, 12\r\n", "\xEF\xBC\xA1\xCC\x81 \xE2\x96\x81"}) {
    const auto encoding = tokenizer->encode(text);
    const auto count = tokenizer->count(text);
    VECMILL_CHECK(encoding.has_value() == count.has_value());
    if (!encoding) continue;
    VECMILL_CHECK(encoding->ids.size() == *count);
    for (const vecmill::TokenId id : encoding->ids) VECMILL_CHECK(id >= 0);
  }
  return 0;
}
