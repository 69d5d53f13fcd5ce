// modules: tokenize
#include <cstddef>
#include <cstdint>

#include "vecmill/base/check.h"
#include "vecmill/tokenize/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tokenizer = vecmill::tokenize::Tokenizer::from_sentencepiece(
      {reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!tokenizer) return 0;
  const auto encoding = tokenizer->encode("a  b <mask> \xEF\xBC\xA1");
  VECMILL_CHECK(encoding.has_value());
  for (const vecmill::TokenId id : encoding->ids) {
    VECMILL_CHECK(id >= 0 && static_cast<std::size_t>(id) < tokenizer->vocab_size());
  }
  return 0;
}
