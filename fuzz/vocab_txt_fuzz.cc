// modules: tokenize
#include <cstddef>
#include <cstdint>

#include "vecmill/base/check.h"
#include "vecmill/tokenize/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tokenizer = vecmill::tokenize::Tokenizer::from_vocab_txt(
      {reinterpret_cast<const char*>(data), size}, "fuzz", true);
  if (!tokenizer) return 0;
  const auto encoding = tokenizer->encode("Ab, c [MASK] \xE4\xB8\xAD");
  VECMILL_CHECK(encoding.has_value());
  for (const vecmill::TokenId id : encoding->ids) {
    VECMILL_CHECK(!tokenizer->id_to_token(id).empty());
  }
  return 0;
}
