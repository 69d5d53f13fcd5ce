#include "vecmill/encode/modules_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "vecmill/encode/json_reader.h"

namespace vecmill::encode {
namespace {

struct Mode {
  std::string_view name;
  const char* old_key;
  PoolingMode mode;
};
/// In the order in which the old layout concatenates them.
constexpr std::array<Mode, 6> kModes = {{
    {"cls", "pooling_mode_cls_token", PoolingMode::kCls},
    {"max", "pooling_mode_max_tokens", PoolingMode::kMax},
    {"mean", "pooling_mode_mean_tokens", PoolingMode::kMean},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", PoolingMode::kMeanSqrtLen},
    {"weightedmean", "pooling_mode_weightedmean_tokens", PoolingMode::kWeightedMean},
    {"lasttoken", "pooling_mode_lasttoken", PoolingMode::kLastToken},
}};

struct NamedActivation {
  std::string_view name;
  DenseActivation activation;
};
constexpr std::array<NamedActivation, 6> kActivations = {{
    {"Identity", DenseActivation::kIdentity},
    {"Tanh", DenseActivation::kTanh},
    {"ReLU", DenseActivation::kRelu},
    {"GELU", DenseActivation::kGelu},
    {"Sigmoid", DenseActivation::kSigmoid},
    {"SiLU", DenseActivation::kSilu},
}};

Error unsupported(const std::string& where, std::string message) {
  return make_error(ErrorKind::kUnsupported, std::move(message), where);
}

/// "a.b.C" -> "C"
std::string_view last_part(std::string_view text) { return text.substr(text.rfind('.') + 1); }

bool stays_inside(std::string_view folder) {
  if (folder.starts_with('/') || folder.find('\\') != std::string_view::npos) return false;
  const std::string padded = "/" + std::string(folder) + "/";
  return padded.find("/../") == std::string::npos;
}

Result<PoolingMode> parse_mode(const nlohmann::json& value, const std::string& where) {
  for (const Mode& mode : kModes) {
    if (value.is_string() && value.get_ref<const std::string&>() == mode.name) return mode.mode;
  }
  const std::string text = value.is_string() ? value.get<std::string>() : value.type_name();
  return unsupported(where, "the pooling mode '" + text + "' is not supported");
}

/// Since 5.4: "pooling_mode": "mean", or a list of names.
Result<std::vector<PoolingMode>> parse_modes(const nlohmann::json& value,
                                             const std::string& where) {
  const nlohmann::json list = value.is_array() ? value : nlohmann::json::array({value});
  std::vector<PoolingMode> modes;
  for (const nlohmann::json& item : list) {
    VECMILL_ASSIGN(const PoolingMode mode, parse_mode(item, where));
    modes.push_back(mode);
  }
  if (modes.empty()) {
    return make_error(ErrorKind::kInvalidData, "'pooling_mode' is an empty list", where);
  }
  return modes;
}

/// Before 5.4: a flag for each mode; none set means the mean. An unknown one that is set is
/// refused.
Result<std::vector<PoolingMode>> parse_old_modes(const JsonReader& json) {
  std::vector<PoolingMode> modes;
  for (const Mode& mode : kModes) {
    VECMILL_ASSIGN(const bool set, json.flag(mode.old_key, false));
    if (set) modes.push_back(mode.mode);
  }
  for (const auto& [key, value] : json.json().items()) {
    const bool known = std::any_of(kModes.begin(), kModes.end(), [&name = key](const Mode& mode) {
      return name == mode.old_key;
    });
    if (key.starts_with("pooling_mode_") && !known && value.is_boolean() && value.get<bool>()) {
      return unsupported(json.where(), "the pooling mode '" + key + "' is not supported");
    }
  }
  if (modes.empty()) modes.push_back(PoolingMode::kMean);
  return modes;
}

/// A module that reads or writes anything but the sentence vector is not part of this chain.
Status check_names(const JsonReader& json) {
  for (const char* key : {"module_input_name", "module_output_name"}) {
    VECMILL_ASSIGN(const std::string value, json.text(key, "sentence_embedding"));
    if (value != "sentence_embedding") {
      return unsupported(json.where(), "'" + std::string(key) + "' = '" + value +
                                           "' is not supported; 'sentence_embedding' is");
    }
  }
  return {};
}

Result<DenseActivation> parse_dense_activation(const JsonReader& json) {
  VECMILL_ASSIGN(const std::string text,
                 json.text("activation_function", "torch.nn.modules.activation.Tanh"));
  if (text.starts_with("torch.nn.")) {
    for (const NamedActivation& known : kActivations) {
      if (last_part(text) == known.name) return known.activation;
    }
  }
  return unsupported(json.where(), "the activation '" + text + "' is not supported");
}

}  // namespace

std::string_view name(PoolingMode mode) { return kModes[static_cast<std::size_t>(mode)].name; }

std::string_view name(DenseActivation activation) {
  return kActivations[static_cast<std::size_t>(activation)].name;
}

Result<std::vector<ModuleEntry>> parse_modules(std::string_view text, const std::string& where) {
  const auto bad = [&](std::string message) {
    return make_error(ErrorKind::kInvalidData, std::move(message), where);
  };
  const auto parsed = parse_json(text);
  if (!parsed) return bad("is not valid JSON");
  const nlohmann::json& json = *parsed;
  if (!json.is_array() || json.empty()) return bad("is not a list of modules");
  std::vector<ModuleEntry> modules;
  for (const nlohmann::json& item : json) {
    if (!item.is_object() || !item.contains("type") || !item["type"].is_string() ||
        !item.contains("path") || !item["path"].is_string()) {
      return bad("module " + std::to_string(modules.size()) + " has no 'type' and 'path'");
    }
    const auto type = item["type"].get<std::string>();
    auto folder = item["path"].get<std::string>();
    if (!type.starts_with("sentence_transformers.")) {
      return unsupported(where, "the module '" + type + "' is not supported");
    }
    if (!stays_inside(folder)) {
      return bad("module " + std::to_string(modules.size()) + " lies outside the model folder");
    }
    while (folder.ends_with('/')) folder.pop_back();
    if (folder == ".") folder.clear();  // as model2vec writes it
    modules.push_back({std::string(last_part(type)), std::move(folder)});
  }
  return modules;
}

Result<PoolingConfig> parse_pooling(std::string_view text, const std::string& where) {
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(text, where));
  PoolingConfig config;
  const char* key =
      json.has("embedding_dimension") ? "embedding_dimension" : "word_embedding_dimension";
  VECMILL_ASSIGN(config.dims, json.size(key, std::nullopt));
  VECMILL_ASSIGN(config.include_prompt, json.flag("include_prompt", true));
  if (json.has("pooling_mode")) {
    VECMILL_ASSIGN(config.modes, parse_modes(json.json().at("pooling_mode"), where));
  } else {
    VECMILL_ASSIGN(config.modes, parse_old_modes(json));
  }
  return config;
}

Result<DenseConfig> parse_dense(std::string_view text, const std::string& where) {
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(text, where));
  VECMILL_TRY(check_names(json));
  DenseConfig config;
  VECMILL_ASSIGN(config.in, json.size("in_features", std::nullopt));
  VECMILL_ASSIGN(config.out, json.size("out_features", std::nullopt));
  VECMILL_ASSIGN(config.bias, json.flag("bias", true));
  VECMILL_ASSIGN(config.residual, json.flag("use_residual", false));
  VECMILL_ASSIGN(config.activation, parse_dense_activation(json));
  if (config.in == 0 || config.out == 0 || config.in > 1u << 20 || config.out > 1u << 20) {
    return json.error("'in_features' or 'out_features' is not a sensible size");
  }
  return config;
}

Result<LayerNormConfig> parse_layer_norm(std::string_view text, const std::string& where) {
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(text, where));
  LayerNormConfig config;
  VECMILL_ASSIGN(config.dims, json.size("dimension", std::nullopt));
  return config;
}

Status check_normalize(std::string_view text, const std::string& where) {
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(text, where));
  return check_names(json);
}

}  // namespace vecmill::encode
