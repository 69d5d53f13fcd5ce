#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vecmill::encode {

/// `max_tokens` of a model that takes texts of any length.
inline constexpr std::uint32_t kNoTokenLimit = 1u << 30;

/// What a model folder says about itself: everything a caller needs before it encodes, and nothing
/// that needs the weights.
struct ModelDescription {
  std::string architecture;          ///< bert, roberta, ..., as config.json has it
  std::vector<std::string> modules;  ///< in order, for people: "transformer", "pooling mean", ...
  std::uint32_t dims = 0;            ///< of the final vector, before any Matryoshka cut
  std::uint32_t hidden = 0;
  std::uint32_t layers = 0;
  std::uint32_t vocab = 0;
  std::uint32_t max_tokens = 0;  ///< per text, special tokens and prompt included
  std::string tokenizer_folder;  ///< relative to the model's; often empty
  std::map<std::string, std::string> prompts;
  std::string default_prompt;  ///< a key of `prompts`, or empty
  std::string similarity;      ///< "cosine", "dot", "euclidean", "manhattan"; empty: not said
  bool lowercase = false;      ///< the text is lower-cased before it is tokenized
  bool special_tokens = true;  ///< [CLS], [SEP], <s> and the like are added to a text
  bool include_prompt = true;  ///< false: the prompt's tokens do not take part in pooling
  bool normalized = false;     ///< the last module makes the length 1
};

}  // namespace vecmill::encode
