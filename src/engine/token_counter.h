#pragma once

#include <string>

#include "vecmill/remote/dialect.h"
#include "vecmill/remote/token_estimate.h"

namespace vecmill::engine {

/// What is known here of a remote model's tokens: that of OpenAI's models is compiled in; that of a
/// vendor who publishes his tokenizers on the Hub is in the store once it was imported, or in the
/// cache of Hugging Face once the vendor's client was used.
[[nodiscard]] remote::Vocabulary vocabulary_of(const remote::Dialect& dialect,
                                               const std::string& model);

}  // namespace vecmill::engine
