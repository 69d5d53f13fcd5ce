#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "vecmill/result.h"
#include "vecmill/tokenize/normalizer.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::tokenize {

/// A BERT tokenizer of a vocab.txt: the id of a token is the number of its line.
///   errors  kInvalidData: a token that BERT needs is not there
Result<Tokenizer> make_bert_tokenizer(std::string_view vocab_txt, const std::string& where,
                                      const BertNormalizerOptions& options);

/// What the folder's tokenizer_config.json, if there is one, says about normalising.
Result<BertNormalizerOptions> read_bert_options(const std::filesystem::path& model_folder);

}  // namespace vecmill::tokenize
