#include "vecmill/encode/family_config.h"

#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

namespace vecmill::encode {
namespace {

Error unsupported(const JsonReader& json, const std::string& key) {
  return make_error(ErrorKind::kUnsupported,
                    "'" + key + "' = " + json.json().at(key).dump() + " is not supported",
                    json.where());
}

Status check_base(const JsonReader& json, const RotaryConfig& rotary) {
  const auto sensible = [](double x) { return std::isfinite(x) && x >= 1 && x < 1e12; };
  if (sensible(rotary.base) && sensible(rotary.ntk_factor)) return {};
  return json.error("the base or factor of the rotary positions is not a sensible number");
}

/// One entry of transformers 5: {"rope_type": "default", "rope_theta": 10000}.
Status read_rope(const JsonReader& entry, RotaryConfig& rotary) {
  VECMILL_ASSIGN(const std::string type, entry.text("rope_type", "default"));
  if (type != "default") return unsupported(entry, "rope_type");
  VECMILL_ASSIGN(rotary.base, entry.number("rope_theta", rotary.base));
  return check_base(entry, rotary);
}

/// "rope_parameters", or rope_theta and rope_scaling as there were before.
Status read_rotary(const JsonReader& json, RotaryConfig& rotary) {
  if (json.has("rope_parameters")) {
    VECMILL_ASSIGN(const JsonReader entry, json.object("rope_parameters"));
    return read_rope(entry, rotary);
  }
  VECMILL_ASSIGN(rotary.base, json.number("rope_theta", rotary.base));
  if (json.has("rope_scaling")) {
    VECMILL_ASSIGN(const JsonReader scaling, json.object("rope_scaling"));
    VECMILL_ASSIGN(const std::string type, scaling.text("type", ""));
    if (type != "ntk" || scaling.has("mixed_b")) return unsupported(json, "rope_scaling");
    VECMILL_ASSIGN(rotary.ntk_factor, scaling.number("factor", 1));
  }
  return check_base(json, rotary);
}

/// Refuses every one of these keys that is set to something else.
Status expect(const JsonReader& json,
              std::initializer_list<std::pair<const char*, nlohmann::json>> only) {
  for (const auto& [key, value] : only) {
    if (json.has(key) && json.json().at(key) != value) return unsupported(json, key);
  }
  return {};
}

Status read_electra(const JsonReader& json, TransformerConfig& config) {
  VECMILL_ASSIGN(config.embedding_width, json.size("embedding_size", 128));
  if (config.embedding_width > 0 && config.embedding_width <= 1u << 16) return {};
  return json.error("'embedding_size' is not a sensible size");
}

Status read_layer_types(const JsonReader& json, TransformerConfig& config) {
  config.is_local.assign(config.layers, false);
  if (!json.has("layer_types")) {
    VECMILL_ASSIGN(const std::uint32_t every, json.size("global_attn_every_n_layers", 3));
    if (every == 0) return json.error("'global_attn_every_n_layers' is 0");
    for (std::uint32_t i = 0; i < config.layers; ++i) config.is_local[i] = i % every != 0;
    return {};
  }
  const nlohmann::json& types = json.json().at("layer_types");
  if (!types.is_array() || types.size() != config.layers) {
    return json.error("'layer_types' is not a list of a type for each layer");
  }
  for (std::uint32_t i = 0; i < config.layers; ++i) {
    config.is_local[i] = types[i] == "sliding_attention";
    if (!config.is_local[i] && types[i] != "full_attention")
      return unsupported(json, "layer_types");
  }
  return {};
}

Status read_modernbert(const JsonReader& json, TransformerConfig& config) {
  config.pre_norm = true;
  config.gated = true;
  VECMILL_ASSIGN(config.biases.norm, json.flag("norm_bias", false));
  VECMILL_ASSIGN(config.biases.attention, json.flag("attention_bias", false));
  VECMILL_ASSIGN(config.biases.ffn_in, json.flag("mlp_bias", false));
  config.biases.ffn_out = config.biases.ffn_in;
  VECMILL_ASSIGN(const std::uint32_t local, json.size("local_attention", 128));
  config.window = local / 2;
  if (config.window == 0 || config.window > 1u << 18) {
    return json.error("'local_attention' is not a sensible size");
  }
  VECMILL_TRY(read_layer_types(json, config));
  RotaryConfig global{160000, 1};
  if (json.has("rope_parameters")) {
    VECMILL_ASSIGN(const JsonReader both, json.object("rope_parameters"));
    VECMILL_ASSIGN(const JsonReader full, both.object("full_attention"));
    VECMILL_TRY(read_rope(full, global));
    VECMILL_ASSIGN(const JsonReader sliding, both.object("sliding_attention"));
    VECMILL_TRY(read_rope(sliding, config.local_rotary));
  } else {
    if (json.has("rope_scaling")) return unsupported(json, "rope_scaling");
    VECMILL_ASSIGN(global.base, json.number("global_rope_theta", global.base));
    const double local_base = config.local_rotary.base;
    VECMILL_ASSIGN(config.local_rotary.base, json.number("local_rope_theta", local_base));
    VECMILL_TRY(check_base(json, global));
    VECMILL_TRY(check_base(json, config.local_rotary));
  }
  config.rotary = global;
  return {};
}

/// The keys of the code that lies beside the checkpoints.
Status read_nomic_remote(const JsonReader& json, TransformerConfig& config) {
  VECMILL_TRY(expect(json, {{"prenorm", false},
                            {"parallel_block", false},
                            {"causal", false},
                            {"use_rms_norm", false},
                            {"rotary_emb_fraction", 1.0},
                            {"rotary_emb_interleaved", false},
                            {"rotary_emb_scale_base", nullptr},
                            {"rotary_scaling_factor", nullptr},
                            {"num_experts", 0},
                            {"num_heads_kv", config.heads}}));
  for (const char* key : {"rotary_emb_fraction", "n_inner"}) {
    if (!json.has(key)) return json.error("has no '" + std::string(key) + "'");
  }
  VECMILL_ASSIGN(const std::string activation, json.text("activation_function", std::nullopt));
  if (activation != "swiglu" && activation != "geglu") {
    return unsupported(json, "activation_function");
  }
  config.activation = activation == "swiglu" ? "silu" : "gelu";
  VECMILL_ASSIGN(config.biases.attention, json.flag("qkv_proj_bias", true));
  VECMILL_ASSIGN(config.biases.ffn_in, json.flag("mlp_fc1_bias", true));
  VECMILL_ASSIGN(config.biases.ffn_out, json.flag("mlp_fc2_bias", true));
  RotaryConfig rotary;
  VECMILL_ASSIGN(rotary.base, json.number("rotary_emb_base", rotary.base));
  VECMILL_TRY(check_base(json, rotary));
  config.rotary = rotary;
  return {};
}

Status read_nomic_bert(const JsonReader& json, TransformerConfig& config) {
  config.gated = true;
  if (json.has("n_embd")) return read_nomic_remote(json, config);
  config.biases = {false, false, false, true};
  RotaryConfig rotary{1000, 1};
  VECMILL_TRY(read_rotary(json, rotary));
  config.rotary = rotary;
  return {};
}

Status read_gte(const JsonReader& json, TransformerConfig& config) {
  VECMILL_TRY(expect(json, {{"layer_norm_type", "layer_norm"},
                            {"logn_attention_scale", false},
                            {"logn_attention_clip1", false},
                            {"pack_qkv", true}}));
  config.gated = true;
  config.biases.ffn_in = false;
  VECMILL_ASSIGN(const std::string type, json.text("model_type", ""));
  RotaryConfig rotary{type == "new" ? 10000.0 : 160000.0, 1};
  VECMILL_TRY(read_rotary(json, rotary));
  config.rotary = rotary;
  return {};
}

Status read_jina_bert(const JsonReader& json, TransformerConfig& config) {
  config.alibi = true;
  config.gated = true;
  config.biases.ffn_in = false;
  VECMILL_ASSIGN(const std::string kind, json.text("feed_forward_type", "original"));
  if (kind != "geglu" && kind != "reglu") {
    return make_error(ErrorKind::kUnsupported,
                      "the feed-forward type '" + kind + "' is not supported", json.where());
  }
  config.activation = kind == "geglu" ? "gelu" : "relu";
  return {};
}

}  // namespace

Status read_family(const JsonReader& json, TransformerConfig& config) {
  switch (config.family) {
    case Family::kElectra: return read_electra(json, config);
    case Family::kModernBert: return read_modernbert(json, config);
    case Family::kNomicBert: return read_nomic_bert(json, config);
    case Family::kGte: return read_gte(json, config);
    case Family::kJinaBert: return read_jina_bert(json, config);
    case Family::kBert:
    case Family::kRoberta:
    case Family::kXlmRoberta:
    case Family::kCamembert:
    case Family::kMpnet:
    case Family::kDistilbert:
    case Family::kStatic: break;
  }
  return {};
}

}  // namespace vecmill::encode
