#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::engine {

/// The first `most` of the built-in texts as a model's tokenizer sees them. All of them and the
/// weights alone decide what an int8 model is, so that it is the same on every machine.
///   errors  as encode::describe and tokenize::Tokenizer::from_folder
Result<std::vector<std::vector<TokenId>>> calibration_texts(
    const std::filesystem::path& model_folder, std::size_t most = SIZE_MAX);

}  // namespace vecmill::engine
