#include "vecmill/tokenize/byte_tokens.h"

namespace vecmill::tokenize {

ByteTokens find_byte_tokens(const Vocabulary& vocabulary) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  ByteTokens ids;
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const std::string token{'<', '0', 'x', kDigits[byte / 16], kDigits[byte % 16], '>'};
    ids[byte] = vocabulary.find(token);
  }
  return ids;
}

}  // namespace vecmill::tokenize
