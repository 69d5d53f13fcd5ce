#pragma once

#include <filesystem>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::engine {

/// The built-in texts as a model's tokenizer sees them. They and the weights alone decide what an
/// int8 model keeps in f32, so that it is the same on every machine.
///   errors  as encode::describe and tokenize::Tokenizer::from_folder
Result<std::vector<std::vector<TokenId>>> calibration_texts(
    const std::filesystem::path& model_folder);

}  // namespace vecmill::engine
