#pragma once

#include <string_view>

namespace vecmill::tokenize {

/// OpenAI's cl100k_base.tiktoken, which is compiled in: a token in base64 and its rank a line.
[[nodiscard]] std::string_view cl100k_ranks();

}  // namespace vecmill::tokenize
