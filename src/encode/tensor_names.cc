#include "vecmill/encode/tensor_names.h"

#include <utility>

namespace vecmill::encode {
namespace {

constexpr std::string_view kWords = "embeddings.word_embeddings.weight";

/// "bert." of "bert.embeddings.word_embeddings.weight".
Result<std::string> find_prefix(const Weights& weights) {
  std::string prefix;
  bool found = false;
  for (const std::string& name : weights.names()) {
    if (!name.ends_with(kWords)) continue;
    const std::string candidate = name.substr(0, name.size() - kWords.size());
    if (!candidate.empty() && !candidate.ends_with('.')) continue;
    if (std::exchange(found, true)) {
      return make_error(ErrorKind::kUnsupported,
                        "holds two models ('" + prefix + "' and '" + candidate + "')",
                        weights.files().front().string());
    }
    prefix = candidate;
  }
  if (!found) {
    return make_error(ErrorKind::kInvalidData, "has no tensor '" + std::string(kWords) + "'",
                      weights.files().front().string());
  }
  return prefix;
}

LayerNames bert_layer(const std::string& p) {
  const std::string a = p + "attention.";
  return {a + "self.query",   a + "self.key",         a + "self.value",
          a + "output.dense", a + "output.LayerNorm", p + "intermediate.dense",
          p + "output.dense", p + "output.LayerNorm"};
}

LayerNames mpnet_layer(const std::string& p) {
  const std::string a = p + "attention.";
  return {a + "attn.q",       a + "attn.k",          a + "attn.v",
          a + "attn.o",       a + "LayerNorm",       p + "intermediate.dense",
          p + "output.dense", p + "output.LayerNorm"};
}

LayerNames distilbert_layer(const std::string& p) {
  const std::string a = p + "attention.";
  return {a + "q_lin",         a + "k_lin",    a + "v_lin",    a + "out_lin",
          p + "sa_layer_norm", p + "ffn.lin1", p + "ffn.lin2", p + "output_layer_norm"};
}

Status check_depth(const std::string& next_layer, const Weights& weights) {
  for (const std::string& name : weights.names()) {
    if (name.starts_with(next_layer)) {
      return make_error(ErrorKind::kMismatch,
                        "tensor '" + name + "' is of a layer that config.json does not have",
                        weights.files().front().string());
    }
  }
  return {};
}

}  // namespace

Result<TensorNames> find_tensor_names(const TransformerConfig& config, const Weights& weights) {
  VECMILL_ASSIGN(const std::string prefix, find_prefix(weights));
  const bool distilbert = config.family == Family::kDistilbert;
  const std::string stack = prefix + (distilbert ? "transformer.layer." : "encoder.layer.");
  TensorNames names;
  names.words = prefix + std::string(kWords);
  names.positions = prefix + "embeddings.position_embeddings.weight";
  if (config.token_types > 0)
    names.token_types = prefix + "embeddings.token_type_embeddings.weight";
  if (config.relative_buckets > 0) {
    names.relative_bias = prefix + "encoder.relative_attention_bias.weight";
  }
  names.embedding_norm = prefix + "embeddings.LayerNorm";
  for (std::uint32_t i = 0; i < config.layers; ++i) {
    const std::string layer = stack + std::to_string(i) + ".";
    names.layers.push_back(distilbert                        ? distilbert_layer(layer)
                           : config.family == Family::kMpnet ? mpnet_layer(layer)
                                                             : bert_layer(layer));
  }
  VECMILL_TRY(check_depth(stack + std::to_string(config.layers) + ".", weights));
  return names;
}

}  // namespace vecmill::encode
