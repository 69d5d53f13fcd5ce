#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "vecmill/tokens.h"

namespace vecmill::golden {

/// One text and what the reference makes of it.
struct Example {
  std::string text, prompt;
  std::vector<TokenId> ids;  ///< of prompt and text together
  std::uint32_t prompt_tokens = 0;
  std::vector<float> vector;
};

/// Reads tests/golden/NAME.{jsonl,ids,f32}; a set that does not fit together
/// aborts.
std::vector<Example> read_set(const std::string& name);

/// NAME.sparse.jsonl, a text each; NAME.multivector.f32, all texts one after the other.
std::vector<std::map<TokenId, double>> read_sparse(const std::string& name);
std::vector<float> read_multivectors(const std::string& name);

/// Its model: tests/golden/models/NAME, or the real one (VECMILL_TEST_MODEL,
/// .cache/models/NAME).
std::filesystem::path model_folder(const std::string& name);

/// How far two vectors are apart.
struct Distance {
  double largest = 0;  ///< difference of one component
  double cosine = 0;
};
Distance distance(const std::vector<float>& a, const std::vector<float>& b);

inline const std::vector<std::string> kSets = {"bert",
                                               "bert-bare",
                                               "roberta",
                                               "xlm-roberta",
                                               "camembert",
                                               "mpnet",
                                               "distilbert",
                                               "xlm-roberta-m3",
                                               "electra",
                                               "modernbert",
                                               "nomic-bert",
                                               "gte",
                                               "jina-bert",
                                               "static-embedding",
                                               "model2vec",
                                               "model2vec-quantized",
                                               "all-MiniLM-L6-v2"};

}  // namespace vecmill::golden
