#pragma once

#include <string_view>

#include "vecmill/tokenize/cutting.h"

namespace vecmill::tokenize {

/// The matches of a pattern that covers every text without a gap, found by hand-written code.
using KnownCut = void (*)(std::string_view text, const Emit& emit);

/// The pattern of GPT-2, which ByteLevel uses.
void cut_like_gpt2(std::string_view text, const Emit& emit);

/// For the patterns of GPT-2, of cl100k and Llama 3, and of Qwen 2; null for any other.
[[nodiscard]] KnownCut find_known_pattern(std::string_view pattern);

}  // namespace vecmill::tokenize
