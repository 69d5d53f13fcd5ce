#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vecmill/encode/model_config.h"
#include "vecmill/encode/weights.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// A linear map or a norm: `base` + ".weight" and ".bias". Empty where there is none.
struct LayerNames {
  std::string query, key, value, attention_out, attention_norm;
  std::string ffn_in, ffn_out, ffn_norm;
  std::string ffn_up = {};
  /// Where the file holds query, key and value, or ffn_in and ffn_up, as one map.
  std::string qkv = {}, ffn_pair = {};
  bool up_is_first = false;  ///< in ffn_pair
};

/// What the tensors of a model are called in its file; empty where the family has no such tensor.
struct TensorNames {
  std::string words, positions, token_types, relative_bias;  ///< whole names
  std::string embedding_norm, embedding_project, final_norm;
  std::vector<LayerNames> layers;
};

/// Finds out which prefix ("", "bert.", "roberta.", ...) this file uses.
///   errors  kMismatch when the layers in the file are not those of the configuration
Result<TensorNames> find_tensor_names(const TransformerConfig& config, const Weights& weights);

}  // namespace vecmill::encode
