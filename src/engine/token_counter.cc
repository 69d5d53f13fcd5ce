#include "vecmill/engine/token_counter.h"

#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::engine {

remote::CountTokens token_counter(std::string_view vocabulary) {
  if (vocabulary != "cl100k") return {};
  return [](std::string_view text) { return *tokenize::Tokenizer::cl100k().count(text); };
}

}  // namespace vecmill::engine
