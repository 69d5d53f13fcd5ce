#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/encode/model_config.h"
#include "vecmill/encode/weights.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// Static embeddings: a text is the mean of its tokens' rows. The module StaticEmbedding of
/// sentence-transformers ("embedding.weight"), or a model2vec folder ("embeddings", with or without
/// "mapping" from token to row and "weights" by token).
///
/// A text is cut at max_tokens exactly. model2vec first cuts it at max_tokens * the median length
/// of a token in characters, to save time, which leaves fewer tokens of a very long text with long
/// words.

/// Neither has a configuration with its sizes; what the weights and the tokenizer say about them
/// goes under this name among the configuration files.
inline constexpr const char* kStaticFacts = "static_embedding.json";

///   errors  kNotFound, kIo, kInvalidData: no such tensor, no tokenizer.json
Result<std::string> static_facts(const std::filesystem::path& folder);

struct StaticConfig {
  std::uint32_t tokens = 0, dims = 0;
  std::int64_t unknown = -1;  ///< a token that does not take part, as model2vec has it; -1: none
  bool model2vec = false;
};
Result<StaticConfig> parse_static_facts(std::string_view json, const std::string& where);

/// [tokens, dims], mapping and weights applied.
///   errors  kInvalidData, kMismatch, kUnsupported naming the data type
Result<std::vector<float>> read_static_rows(const Weights& weights, const StaticConfig& config);

}  // namespace vecmill::encode
