#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "vecmill/encode/family_config.h"
#include "vecmill/encode/json_reader.h"
#include "vecmill/encode/model_config.h"

namespace vecmill::encode {
namespace {

/// In the order of Family, then other names of the same.
constexpr std::array<std::pair<std::string_view, Family>, 13> kFamilies = {{
    {"bert", Family::kBert},
    {"roberta", Family::kRoberta},
    {"xlm-roberta", Family::kXlmRoberta},
    {"camembert", Family::kCamembert},
    {"mpnet", Family::kMpnet},
    {"distilbert", Family::kDistilbert},
    {"electra", Family::kElectra},
    {"modernbert", Family::kModernBert},
    {"nomic_bert", Family::kNomicBert},
    {"gte", Family::kGte},
    {"jina-bert", Family::kJinaBert},
    {"static", Family::kStatic},
    {"new", Family::kGte},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kActivations = {{
    {"gelu", "gelu"},
    {"relu", "relu"},
    {"silu", "silu"},
    {"swish", "silu"},
    {"tanh", "tanh"},
    {"gelu_new", "gelu_tanh"},
    {"gelu_fast", "gelu_tanh"},
    {"gelu_pytorch_tanh", "gelu_tanh"},
}};

/// The names of one family's keys, and what Hugging Face assumes for those that are left out.
struct Keys {
  const char* hidden = "hidden_size";
  const char* heads = "num_attention_heads";
  const char* intermediate = "intermediate_size";
  const char* layers = "num_hidden_layers";
  const char* positions = "max_position_embeddings";
  const char* activation = "hidden_act";
  const char* eps = "layer_norm_eps";
};
struct Defaults {
  std::uint32_t hidden = 768, heads = 12, intermediate = 3072, layers = 12;
  std::uint32_t vocab = 30522, positions = 512, token_types = 0, pad_id = 0;
  double eps = 1e-12;
  std::string_view activation = "gelu";
};

Keys keys_of(Family family, const JsonReader& json) {
  Keys keys;
  if (family == Family::kDistilbert) {
    keys = {"dim", "n_heads", "hidden_dim", "n_layers", keys.positions, "activation", nullptr};
  } else if (family == Family::kModernBert) {
    keys.activation = "hidden_activation";
    keys.eps = "norm_eps";
  } else if (family == Family::kNomicBert && json.has("n_embd")) {
    keys = {"n_embd",      "n_head",        "n_inner",           "n_layer",
            "n_positions", keys.activation, "layer_norm_epsilon"};
  }
  return keys;
}

Defaults defaults_of(Family family) {
  Defaults d;
  switch (family) {
    case Family::kRoberta: d.vocab = 50265; [[fallthrough]];
    case Family::kXlmRoberta:
    case Family::kCamembert:
      d.pad_id = 1;
      d.token_types = 2;
      break;
    case Family::kBert:
    case Family::kJinaBert: d.token_types = 2; break;
    case Family::kStatic: break;
    case Family::kMpnet: d.vocab = 30527; break;
    case Family::kDistilbert: d.layers = 6; break;
    case Family::kElectra:
      d = {.hidden = 256, .heads = 4, .intermediate = 1024, .token_types = 2};
      break;
    case Family::kModernBert:
      d = {.intermediate = 1152, .layers = 22, .vocab = 50368, .positions = 8192, .eps = 1e-5};
      break;
    case Family::kNomicBert:
      d = {.vocab = 30528, .positions = 2048, .token_types = 2, .activation = "silu"};
      break;
    case Family::kGte: d = {.vocab = 250048, .positions = 8192, .token_types = 1}; break;
  }
  return d;
}

Error unsupported(const JsonReader& json, std::string message) {
  return make_error(ErrorKind::kUnsupported, std::move(message), json.where());
}

Result<Family> parse_family(const JsonReader& json) {
  VECMILL_ASSIGN(const std::string type, json.text("model_type", std::nullopt));
  for (const auto& [text, family] : kFamilies) {
    if (type != text || family == Family::kJinaBert || family == Family::kStatic) continue;
    VECMILL_ASSIGN(const std::string positions, json.text("position_embedding_type", ""));
    return family == Family::kBert && positions == "alibi" ? Family::kJinaBert : family;
  }
  Error error = unsupported(json, "the architecture '" + type + "' is not supported");
  error.hint =
      "bert, roberta, xlm-roberta, camembert, mpnet, distilbert, electra, modernbert, nomic_bert, "
      "gte (new) and jina-bert are";
  return error;
}

Result<std::string> parse_activation(const JsonReader& json, const char* key,
                                     std::string_view fallback) {
  VECMILL_ASSIGN(const std::string text, json.text(key, std::string(fallback)));
  for (const auto& [theirs, ours] : kActivations) {
    if (theirs == text) return std::string(ours);
  }
  return unsupported(json, "the activation '" + text + "' is not supported");
}

/// Code of its own (auto_map) says how a model computes; only known code is imitated.
Status check_auto_map(const JsonReader& json, Family family) {
  VECMILL_ASSIGN(const JsonReader map, json.object("auto_map"));
  VECMILL_ASSIGN(const std::string model, map.text("AutoModel", ""));
  const bool known =
      (family == Family::kNomicBert && model.ends_with(".NomicBertModel")) ||
      (family == Family::kGte && (model.ends_with(".NewModel") || model.ends_with(".GteModel"))) ||
      (family == Family::kJinaBert && model.ends_with(".JinaBertModel") &&
       model.find("qk-post-norm") == std::string::npos);
  if (known || map.json().empty()) return {};
  return unsupported(json, "'auto_map' to '" + model + "' is not supported");
}

/// Settings that would change the arithmetic in a way that is not implemented.
Status refuse_variants(const JsonReader& json, Family family) {
  const char* expected = family == Family::kJinaBert ? "alibi"
                         : family == Family::kGte    ? "rope"
                                                     : "absolute";
  VECMILL_ASSIGN(const std::string positions, json.text("position_embedding_type", expected));
  if (positions != expected) {
    return unsupported(json, "the position type '" + positions + "' is not supported");
  }
  VECMILL_ASSIGN(const bool decoder, json.flag("is_decoder", false));
  if (decoder) return unsupported(json, "a decoder (is_decoder) is not supported");
  if (json.has("quantization_config")) {
    return unsupported(json, "'quantization_config' is not supported");
  }
  return check_auto_map(json, family);
}

Status check_sizes(const JsonReader& json, const TransformerConfig& config) {
  const std::array<std::pair<std::uint32_t, const char*>, 6> sizes = {{
      {config.hidden, "hidden size"},
      {config.heads, "number of heads"},
      {config.intermediate, "intermediate size"},
      {config.layers, "number of layers"},
      {config.vocab, "vocabulary size"},
      {config.max_positions, "number of positions"},
  }};
  for (const auto& [size, what] : sizes) {
    if (size == 0) return json.error("the " + std::string(what) + " is 0");
  }
  if (config.hidden > 1u << 16 || config.intermediate > 1u << 18 || config.layers > 1024) {
    return json.error("a size is larger than any model of this kind");
  }
  if (config.hidden % config.heads != 0) {
    return json.error("the hidden size " + std::to_string(config.hidden) +
                      " is not a multiple of the " + std::to_string(config.heads) + " heads");
  }
  return {};
}

Status check(const JsonReader& json, const TransformerConfig& config) {
  if (!config.has_position_table() && config.max_positions > 1u << 18) {
    return json.error("more positions than any model of this kind");
  }
  if (config.rotary && config.hidden / config.heads % 2 != 0) {
    return json.error("rotary positions need heads of an even size");
  }
  if (config.positions_after_padding() && config.max_positions <= config.pad_id + 1) {
    return json.error("max_position_embeddings leaves no position behind the padding");
  }
  if (!(config.norm_eps > 0) || !std::isfinite(config.norm_eps)) {
    return json.error("the epsilon of the norms (layer_norm_eps) is not a positive number");
  }
  return {};
}

}  // namespace

std::string_view name(Family family) { return kFamilies[static_cast<std::size_t>(family)].first; }

Result<TransformerConfig> parse_transformer_config(std::string_view text,
                                                   const std::string& where) {
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(text, where));
  TransformerConfig config;
  VECMILL_ASSIGN(config.family, parse_family(json));
  VECMILL_TRY(refuse_variants(json, config.family));
  const Keys keys = keys_of(config.family, json);
  const Defaults defaults = defaults_of(config.family);

  VECMILL_ASSIGN(config.hidden, json.size(keys.hidden, defaults.hidden));
  VECMILL_ASSIGN(config.heads, json.size(keys.heads, defaults.heads));
  VECMILL_ASSIGN(config.intermediate, json.size(keys.intermediate, defaults.intermediate));
  VECMILL_ASSIGN(config.layers, json.size(keys.layers, defaults.layers));
  VECMILL_ASSIGN(config.vocab, json.size("vocab_size", defaults.vocab));
  VECMILL_ASSIGN(config.max_positions, json.size(keys.positions, defaults.positions));
  VECMILL_ASSIGN(config.activation, parse_activation(json, keys.activation, defaults.activation));
  VECMILL_ASSIGN(config.pad_id, json.size("pad_token_id", defaults.pad_id));
  config.embedding_width = config.hidden;
  double eps = defaults.eps;
  if (keys.eps != nullptr) {  // DistilBERT's code has the constant
    VECMILL_ASSIGN(eps, json.number(keys.eps, eps));
  }
  config.norm_eps = static_cast<float>(eps);
  if (defaults.token_types > 0) {
    VECMILL_ASSIGN(config.token_types, json.size("type_vocab_size", defaults.token_types));
    if (config.token_types == 0 && config.family != Family::kGte) {
      return json.error("'type_vocab_size' is 0");
    }
  }
  if (config.family == Family::kMpnet) {
    config.pad_id = 1;  // a constant in its code, whatever the file says
    VECMILL_ASSIGN(config.relative_buckets, json.size("relative_attention_num_buckets", 32));
    if (config.relative_buckets < 4 || config.relative_buckets % 2 != 0 ||
        config.relative_buckets > 512) {
      return json.error("'relative_attention_num_buckets' is not an even number from 4 to 512");
    }
  }
  VECMILL_TRY(check_sizes(json, config));
  VECMILL_TRY(read_family(json, config));
  VECMILL_TRY(check(json, config));
  return config;
}

}  // namespace vecmill::encode
