#pragma once

#include <filesystem>
#include <vector>

#include "vecmill/tokenize/tokenizer.h"
#include "vecmill/tokens.h"

namespace vecmill::provider {

/// The ids that never get a sparse weight: the cls, eos, pad and unk tokens that
/// tokenizer_config.json or special_tokens_map.json names, else those of XLM-RoBERTa. Ascending.
///   errors  kIo; kInvalidData when one of these files is broken
Result<std::vector<TokenId>> unweighted_tokens(const std::filesystem::path& model_folder,
                                               const tokenize::Tokenizer& tokenizer);

}  // namespace vecmill::provider
