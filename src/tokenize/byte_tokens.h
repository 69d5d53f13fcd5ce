#pragma once

#include <array>
#include <optional>

#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {

/// The ids of the tokens <0x00> to <0xFF> that stand for bytes, as far as they exist.
using ByteTokens = std::array<std::optional<TokenId>, 256>;

[[nodiscard]] ByteTokens find_byte_tokens(const Vocabulary& vocabulary);

}  // namespace vecmill::tokenize
