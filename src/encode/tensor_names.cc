#include "vecmill/encode/tensor_names.h"

#include <utility>

namespace vecmill::encode {
namespace {

std::string words_of(Family family) {
  return family == Family::kModernBert ? "embeddings.tok_embeddings.weight"
                                       : "embeddings.word_embeddings.weight";
}

/// "bert." of "bert.embeddings.word_embeddings.weight".
Result<std::string> find_prefix(const Weights& weights, const std::string& words) {
  std::string prefix;
  bool found = false;
  for (const std::string& name : weights.names()) {
    if (!name.ends_with(words)) continue;
    const std::string candidate = name.substr(0, name.size() - words.size());
    if (!candidate.empty() && !candidate.ends_with('.')) continue;
    if (std::exchange(found, true)) {
      return make_error(ErrorKind::kUnsupported,
                        "holds two models ('" + prefix + "' and '" + candidate + "')",
                        weights.files().front().string());
    }
    prefix = candidate;
  }
  if (!found) {
    return make_error(ErrorKind::kInvalidData, "has no tensor '" + words + "'",
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

LayerNames modernbert_layer(const std::string& p) {
  LayerNames names;
  names.qkv = p + "attn.Wqkv";
  names.attention_out = p + "attn.Wo";
  names.attention_norm = p.ends_with("layers.0.") ? "" : p + "attn_norm";
  names.ffn_pair = p + "mlp.Wi";
  names.ffn_out = p + "mlp.Wo";
  names.ffn_norm = p + "mlp_norm";
  return names;
}

LayerNames nomic_layer(const std::string& p) {
  LayerNames names;
  names.qkv = p + "attn.Wqkv";
  names.attention_out = p + "attn.out_proj";
  names.attention_norm = p + "norm1";
  names.ffn_up = p + "mlp.fc11";
  names.ffn_in = p + "mlp.fc12";
  names.ffn_out = p + "mlp.fc2";
  names.ffn_norm = p + "norm2";
  return names;
}

LayerNames gte_layer(const std::string& p) {
  LayerNames names;
  names.qkv = p + "attention.qkv_proj";
  names.attention_out = p + "attention.o_proj";
  names.attention_norm = p + "attn_ln";
  names.ffn_pair = p + "mlp.up_gate_proj";
  names.up_is_first = true;
  names.ffn_out = p + "mlp.down_proj";
  names.ffn_norm = p + "mlp_ln";
  return names;
}

LayerNames jina_layer(const std::string& p) {
  LayerNames names = bert_layer(p);
  names.ffn_in.clear();
  names.ffn_pair = p + "mlp.gated_layers";
  names.ffn_out = p + "mlp.wo";
  names.ffn_norm = p + "mlp.layernorm";
  return names;
}

LayerNames layer_names(Family family, const std::string& p) {
  switch (family) {
    case Family::kMpnet: return mpnet_layer(p);
    case Family::kDistilbert: return distilbert_layer(p);
    case Family::kModernBert: return modernbert_layer(p);
    case Family::kNomicBert: return nomic_layer(p);
    case Family::kGte: return gte_layer(p);
    case Family::kJinaBert: return jina_layer(p);
    case Family::kBert:
    case Family::kRoberta:
    case Family::kXlmRoberta:
    case Family::kCamembert:
    case Family::kElectra:
    case Family::kStatic: break;
  }
  return bert_layer(p);
}

std::string stack_of(Family family) {
  switch (family) {
    case Family::kDistilbert: return "transformer.layer.";
    case Family::kModernBert: return "layers.";
    case Family::kNomicBert: return "encoder.layers.";
    default: return "encoder.layer.";
  }
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
  const std::string words = words_of(config.family);
  VECMILL_ASSIGN(const std::string prefix, find_prefix(weights, words));
  const std::string stack = prefix + stack_of(config.family);
  TensorNames names;
  names.words = prefix + words;
  if (config.has_position_table()) {
    names.positions = prefix + "embeddings.position_embeddings.weight";
  }
  if (config.token_types > 0)
    names.token_types = prefix + "embeddings.token_type_embeddings.weight";
  if (config.relative_buckets > 0) {
    names.relative_bias = prefix + "encoder.relative_attention_bias.weight";
  }
  names.embedding_norm = prefix + (config.family == Family::kModernBert  ? "embeddings.norm"
                                   : config.family == Family::kNomicBert ? "emb_ln"
                                                                         : "embeddings.LayerNorm");
  if (config.embedding_width != config.hidden) {
    names.embedding_project = prefix + "embeddings_project";
  }
  if (config.pre_norm) names.final_norm = prefix + "final_norm";
  for (std::uint32_t i = 0; i < config.layers; ++i) {
    names.layers.push_back(layer_names(config.family, stack + std::to_string(i) + "."));
  }
  VECMILL_TRY(check_depth(stack + std::to_string(config.layers) + ".", weights));
  return names;
}

}  // namespace vecmill::encode
