#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "vecmill/encode/json_reader.h"
#include "vecmill/encode/model_config.h"

namespace vecmill::encode {
namespace {

constexpr std::array<std::pair<std::string_view, Family>, 6> kFamilies = {{
    {"bert", Family::kBert},
    {"roberta", Family::kRoberta},
    {"xlm-roberta", Family::kXlmRoberta},
    {"camembert", Family::kCamembert},
    {"mpnet", Family::kMpnet},
    {"distilbert", Family::kDistilbert},
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
  const char *hidden, *heads, *intermediate, *layers, *activation;
  std::uint32_t default_layers, default_vocab;
};
constexpr Keys kBertKeys = {"hidden_size",
                            "num_attention_heads",
                            "intermediate_size",
                            "num_hidden_layers",
                            "hidden_act",
                            12,
                            30522};
constexpr Keys kDistilbertKeys = {"dim",        "n_heads", "hidden_dim", "n_layers",
                                  "activation", 6,         30522};

Error unsupported(const JsonReader& json, std::string message) {
  return make_error(ErrorKind::kUnsupported, std::move(message), json.where());
}

Result<Family> parse_family(const JsonReader& json) {
  VECMILL_ASSIGN(const std::string type, json.text("model_type", std::nullopt));
  for (const auto& [text, family] : kFamilies) {
    if (type == text) return family;
  }
  Error error = unsupported(json, "the architecture '" + type + "' is not supported");
  error.hint = "bert, roberta, xlm-roberta, camembert, mpnet and distilbert are";
  return error;
}

Result<std::string> parse_activation(const JsonReader& json, const char* key) {
  VECMILL_ASSIGN(const std::string text, json.text(key, "gelu"));
  for (const auto& [theirs, ours] : kActivations) {
    if (theirs == text) return std::string(ours);
  }
  return unsupported(json, "the activation '" + text + "' is not supported");
}

/// Settings that would change the arithmetic in a way that is not implemented.
Status refuse_variants(const JsonReader& json) {
  VECMILL_ASSIGN(const std::string positions, json.text("position_embedding_type", "absolute"));
  if (positions != "absolute") {
    return unsupported(json, "the position type '" + positions + "' is not supported");
  }
  VECMILL_ASSIGN(const bool decoder, json.flag("is_decoder", false));
  if (decoder) return unsupported(json, "a decoder (is_decoder) is not supported");
  for (const char* key : {"quantization_config", "auto_map"}) {
    if (json.has(key)) {
      return unsupported(json, "'" + std::string(key) + "' is not supported");
    }
  }
  return {};
}

Status check(const JsonReader& json, const TransformerConfig& config) {
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
  if (config.positions_after_padding() && config.max_positions <= config.pad_id + 1) {
    return json.error("max_position_embeddings leaves no position behind the padding");
  }
  if (!(config.norm_eps > 0) || !std::isfinite(config.norm_eps)) {
    return json.error("'layer_norm_eps' is not a positive number");
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
  VECMILL_TRY(refuse_variants(json));
  Keys keys = config.family == Family::kDistilbert ? kDistilbertKeys : kBertKeys;
  const bool roberta = config.family == Family::kRoberta || config.family == Family::kCamembert ||
                       config.family == Family::kXlmRoberta;
  if (roberta) keys.default_vocab = config.family == Family::kRoberta ? 50265 : 30522;
  if (config.family == Family::kMpnet) keys.default_vocab = 30527;

  VECMILL_ASSIGN(config.hidden, json.size(keys.hidden, 768));
  VECMILL_ASSIGN(config.heads, json.size(keys.heads, 12));
  VECMILL_ASSIGN(config.intermediate, json.size(keys.intermediate, 3072));
  VECMILL_ASSIGN(config.layers, json.size(keys.layers, keys.default_layers));
  VECMILL_ASSIGN(config.vocab, json.size("vocab_size", keys.default_vocab));
  VECMILL_ASSIGN(config.max_positions, json.size("max_position_embeddings", 512));
  VECMILL_ASSIGN(config.activation, parse_activation(json, keys.activation));
  double eps = 1e-12;
  if (config.family != Family::kDistilbert) {  // whose code has the constant
    VECMILL_ASSIGN(eps, json.number("layer_norm_eps", eps));
  }
  config.norm_eps = static_cast<float>(eps);
  if (config.family == Family::kBert || roberta) {
    VECMILL_ASSIGN(config.token_types, json.size("type_vocab_size", 2));
    if (config.token_types == 0) return json.error("'type_vocab_size' is 0");
  }
  VECMILL_ASSIGN(config.pad_id, json.size("pad_token_id", roberta ? 1 : 0));
  if (config.family == Family::kMpnet) {
    config.pad_id = 1;  // a constant in its code, whatever the file says
    VECMILL_ASSIGN(config.relative_buckets, json.size("relative_attention_num_buckets", 32));
    if (config.relative_buckets < 4 || config.relative_buckets % 2 != 0 ||
        config.relative_buckets > 512) {
      return json.error("'relative_attention_num_buckets' is not an even number from 4 to 512");
    }
  }
  VECMILL_TRY(check(json, config));
  return config;
}

}  // namespace vecmill::encode
