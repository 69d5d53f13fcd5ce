#pragma once

#include <string_view>

#include "vecmill/remote/token_estimate.h"

namespace vecmill::engine {

/// What counts the tokens of a vocabulary of a remote model; null where it is not here.
[[nodiscard]] remote::CountTokens token_counter(std::string_view vocabulary);

}  // namespace vecmill::engine
