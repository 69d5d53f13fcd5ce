#include "vecmill/encode/model_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/json_reader.h"
#include "vecmill/encode/modules_config.h"
#include "vecmill/encode/static_embedding.h"
#include "vecmill/encode/weights.h"

namespace vecmill::encode {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTransformer = "Transformer";
constexpr const char* kStatic = "StaticEmbedding";
constexpr std::size_t kMaxConfig = 16u << 20;
constexpr const char* kModules = "modules.json";
constexpr const char* kPrompts = "config_sentence_transformers.json";
constexpr const char* kTokenizerConfig = "tokenizer_config.json";
/// What sentence-transformers has called the settings beside config.json over the years.
constexpr std::array<const char*, 7> kTransformerSettings = {
    "sentence_bert_config.json",       "sentence_roberta_config.json",
    "sentence_distilbert_config.json", "sentence_camembert_config.json",
    "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
};

std::string join(const std::string& folder, const std::string& file) {
  return folder.empty() ? file : folder + "/" + file;
}

Error unsupported(std::string where, std::string message) {
  return make_error(ErrorKind::kUnsupported, std::move(message), std::move(where));
}

/// Parsing works on names and contents only; `where` is put before the names in errors.
class Parser {
 public:
  Parser(const ConfigFiles& files, const std::string& where) : files_(files), where_(where) {}
  Result<ModelConfig> run();

 private:
  const std::string* find(const std::string& file) const {
    const auto found = files_.find(file);
    return found == files_.end() ? nullptr : &found->second;
  }
  std::string place(const std::string& file) const { return where_ + "/" + file; }
  Result<std::string_view> need(const std::string& file) const;

  Status parse_first(const ModuleEntry& module);
  Status parse_static(const ModuleEntry& module);
  Status parse_chain(const std::vector<ModuleEntry>& modules);
  Status add_module(const ModuleEntry& module);
  Status add_pooling(const ModuleEntry& module);
  Status add_dense(const ModuleEntry& module);
  Status add_layer_norm(const ModuleEntry& module);
  Status add_normalize(const ModuleEntry& module);
  Status expect_dims(std::uint32_t dims, const std::string& file) const;
  Status parse_settings();
  Status parse_prompts();
  Result<std::uint32_t> tokenizer_limit() const;

  const ConfigFiles& files_;
  const std::string& where_;
  ModelConfig model_;
  std::uint32_t dims_ = 0;  ///< of what the modules so far give
  bool pooled_ = false;
};

Result<std::string_view> Parser::need(const std::string& file) const {
  if (const std::string* text = find(file)) return std::string_view(*text);
  return make_error(ErrorKind::kNotFound, "is missing", place(file),
                    "a model folder holds it; fetch the model again");
}

Result<ModelConfig> Parser::run() {
  // A bare Hugging Face or model2vec folder has no list.
  std::vector<ModuleEntry> modules = {{find(kStaticFacts) ? kStatic : kTransformer, ""}};
  const std::string* list = find(kModules);
  if (list != nullptr) {
    VECMILL_ASSIGN(modules, parse_modules(*list, place(kModules)));
  }
  VECMILL_TRY(parse_first(modules.front()));
  if (list != nullptr) {
    VECMILL_TRY(parse_chain(modules));
  } else if (!pooled_) {  // sentence-transformers takes the mean then
    model_.pooling = {{PoolingMode::kMean}, dims_, true};
    model_.description.modules.emplace_back("pooling mean");
  }
  ModelDescription& description = model_.description;
  description.architecture = name(model_.transformer.family);
  description.dims = dims_;
  description.hidden = model_.transformer.hidden;
  description.layers = model_.transformer.layers;
  description.vocab = model_.transformer.vocab;
  description.include_prompt = model_.pooling.include_prompt;
  description.normalized =
      !model_.post.empty() && std::holds_alternative<NormalizeConfig>(model_.post.back());
  VECMILL_TRY(parse_settings());
  VECMILL_TRY(parse_prompts());
  return std::move(model_);
}

Status Parser::parse_first(const ModuleEntry& module) {
  model_.transformer_folder = module.folder;
  model_.description.tokenizer_folder = module.folder;
  if (module.kind == kStatic) return parse_static(module);
  if (module.kind != kTransformer) {
    return unsupported(place(kModules),
                       "the module '" + module.kind + "' in the first place is not supported");
  }
  const std::string config = join(module.folder, "config.json");
  VECMILL_ASSIGN(const std::string_view text, need(config));
  VECMILL_ASSIGN(model_.transformer, parse_transformer_config(text, place(config)));
  dims_ = model_.transformer.hidden;
  model_.description.modules = {"transformer"};
  return {};
}

Status Parser::parse_static(const ModuleEntry& module) {
  VECMILL_ASSIGN(const std::string_view text, need(kStaticFacts));
  VECMILL_ASSIGN(const StaticConfig facts, parse_static_facts(text, place(kStaticFacts)));
  dims_ = facts.dims;
  model_.unpooled_token = facts.unknown;
  model_.pooling = {{PoolingMode::kMean}, dims_, true};
  model_.description.modules = {"static embedding, mean"};
  model_.description.special_tokens = false;
  pooled_ = true;
  TransformerConfig& table = model_.transformer;
  table.family = Family::kStatic;
  table.hidden = table.embedding_width = dims_;
  table.heads = 1;
  table.vocab = facts.tokens;
  table.max_positions = kNoTokenLimit;
  if (!facts.model2vec) return {};
  const std::string path = join(module.folder, "config.json");
  VECMILL_ASSIGN(const std::string_view config, need(path));
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(config, place(path)));
  const bool unlimited = json.json().contains("max_length") && !json.has("max_length");
  VECMILL_ASSIGN(table.max_positions, json.size("max_length", unlimited ? kNoTokenLimit : 512));
  if (table.max_positions == 0) return json.error("'max_length' is 0");
  VECMILL_ASSIGN(const bool normalized, json.flag("normalize", false));
  if (normalized && find(kModules) == nullptr) {
    VECMILL_TRY(add_normalize({"Normalize", ""}));
  }
  return {};
}

Status Parser::parse_chain(const std::vector<ModuleEntry>& modules) {
  for (std::size_t i = 1; i < modules.size(); ++i) VECMILL_TRY(add_module(modules[i]));
  if (!pooled_) return unsupported(place(kModules), "a model without Pooling is not supported");
  return {};
}

Status Parser::add_module(const ModuleEntry& module) {
  if (module.kind == "Pooling") return add_pooling(module);
  if (module.kind == "Dropout") return {};  // does nothing outside of training
  if (!pooled_) {
    return unsupported(place(kModules),
                       "the module '" + module.kind + "' before Pooling is not supported");
  }
  if (module.kind == "Dense") return add_dense(module);
  if (module.kind == "LayerNorm") return add_layer_norm(module);
  if (module.kind == "Normalize") return add_normalize(module);
  return unsupported(place(kModules), "the module '" + module.kind + "' is not supported");
}

Status Parser::expect_dims(std::uint32_t dims, const std::string& file) const {
  if (dims == dims_) return {};
  return make_error(ErrorKind::kMismatch,
                    "takes " + std::to_string(dims) + " components, the module before it gives " +
                        std::to_string(dims_),
                    place(file));
}

Status Parser::add_pooling(const ModuleEntry& module) {
  if (pooled_) return unsupported(place(kModules), "a second Pooling is not supported");
  const std::string file = join(module.folder, "config.json");
  VECMILL_ASSIGN(const std::string_view text, need(file));
  VECMILL_ASSIGN(model_.pooling, parse_pooling(text, place(file)));
  VECMILL_TRY(expect_dims(model_.pooling.dims, file));
  pooled_ = true;
  dims_ *= static_cast<std::uint32_t>(model_.pooling.modes.size());
  std::string label = "pooling ";
  for (const PoolingMode mode : model_.pooling.modes) {
    if (!label.ends_with(' ')) label += '+';
    label += name(mode);
  }
  model_.description.modules.push_back(std::move(label));
  return {};
}

Status Parser::add_dense(const ModuleEntry& module) {
  const std::string file = join(module.folder, "config.json");
  VECMILL_ASSIGN(const std::string_view text, need(file));
  VECMILL_ASSIGN(DenseConfig dense, parse_dense(text, place(file)));
  VECMILL_TRY(expect_dims(dense.in, file));
  dense.folder = module.folder;
  dims_ = dense.out;
  model_.description.modules.push_back("dense " + std::to_string(dense.out) + " " +
                                       std::string(name(dense.activation)));
  model_.post.emplace_back(std::move(dense));
  return {};
}

Status Parser::add_layer_norm(const ModuleEntry& module) {
  const std::string file = join(module.folder, "config.json");
  VECMILL_ASSIGN(const std::string_view text, need(file));
  VECMILL_ASSIGN(LayerNormConfig norm, parse_layer_norm(text, place(file)));
  VECMILL_TRY(expect_dims(norm.dims, file));
  norm.folder = module.folder;
  model_.description.modules.emplace_back("layer norm");
  model_.post.emplace_back(std::move(norm));
  return {};
}

Status Parser::add_normalize(const ModuleEntry& module) {
  const std::string file = join(module.folder, "config.json");
  if (const std::string* text = find(file); text != nullptr && !module.folder.empty()) {
    VECMILL_TRY(check_normalize(*text, place(file)));
  }
  model_.description.modules.emplace_back("normalize");
  model_.post.emplace_back(NormalizeConfig{});
  return {};
}

/// What must hold in sentence_bert_config.json for the last hidden state to be what is pooled.
Status check_settings(const JsonReader& json) {
  const std::array<std::pair<const char*, const char*>, 2> fixed = {
      {{"transformer_task", "feature-extraction"}, {"module_output_name", "token_embeddings"}}};
  for (const auto& [key, only] : fixed) {
    VECMILL_ASSIGN(const std::string value, json.text(key, only));
    if (value != only) {
      return unsupported(json.where(),
                         "'" + std::string(key) + "' = '" + value + "' is not supported");
    }
  }
  for (const char* key : {"config_args", "config_kwargs", "processing_kwargs", "query_length",
                          "document_length", "query_expansion"}) {
    if (json.has(key) && !(json.json().at(key).is_object() && json.json().at(key).empty())) {
      return unsupported(json.where(), "'" + std::string(key) + "' is not supported");
    }
  }
  if (json.has("modality_config")) {
    const nlohmann::json& all = json.json().at("modality_config");
    const nlohmann::json text = all.is_object() ? all.value("text", nlohmann::json()) : all;
    if (text !=
        nlohmann::json{{"method", "forward"}, {"method_output_name", "last_hidden_state"}}) {
      return unsupported(json.where(), "its 'modality_config' for text is not supported");
    }
  }
  return {};
}

Status Parser::parse_settings() {
  const TransformerConfig& transformer = model_.transformer;
  if (transformer.family == Family::kStatic) {
    model_.description.max_tokens = transformer.max_positions;
    return {};
  }
  std::uint32_t limit = 0;
  for (const char* file : kTransformerSettings) {
    const std::string path = join(model_.transformer_folder, file);
    const std::string* text = find(path);
    if (text == nullptr) continue;
    VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(*text, place(path)));
    if (json.json().empty()) continue;
    VECMILL_TRY(check_settings(json));
    VECMILL_ASSIGN(limit, json.size("max_seq_length", 0));
    VECMILL_ASSIGN(model_.description.lowercase, json.flag("do_lower_case", false));
    break;
  }
  if (limit == 0) {
    VECMILL_ASSIGN(limit, tokenizer_limit());
  }
  model_.description.max_tokens = std::min(limit, transformer.usable_positions());
  return {};
}

/// The tokenizer's own limit; kNoTokenLimit when it says none.
Result<std::uint32_t> Parser::tokenizer_limit() const {
  constexpr double kNone = kNoTokenLimit;
  const std::string path = join(model_.transformer_folder, kTokenizerConfig);
  const std::string* text = find(path);
  if (text == nullptr) return static_cast<std::uint32_t>(kNone);
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(*text, place(path)));
  VECMILL_ASSIGN(const double limit, json.number("model_max_length", kNone));
  if (!(limit >= 1)) return json.error("'model_max_length' is not a positive number");
  return static_cast<std::uint32_t>(std::min(limit, kNone));
}

Status Parser::parse_prompts() {
  const std::string* text = find(kPrompts);
  if (text == nullptr) return {};
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(*text, place(kPrompts)));
  ModelDescription& description = model_.description;
  if (json.has("prompts")) {
    if (!json.json().at("prompts").is_object()) return json.error("'prompts' is not an object");
    for (const auto& [role, prompt] : json.json().at("prompts").items()) {
      if (prompt.is_null()) continue;
      if (!prompt.is_string()) return json.error("the prompt '" + role + "' is not a string");
      description.prompts.emplace(role, prompt.get<std::string>());
    }
  }
  VECMILL_ASSIGN(description.default_prompt, json.text("default_prompt_name", ""));
  if (!description.default_prompt.empty() &&
      !description.prompts.contains(description.default_prompt)) {
    return json.error("there is no prompt '" + description.default_prompt +
                      "', which 'default_prompt_name' names");
  }
  VECMILL_ASSIGN(description.similarity, json.text("similarity_fn_name", ""));
  return {};
}

Status load_if_there(const fs::path& folder, const std::string& file, ConfigFiles& files) {
  if (!is_there(folder / file)) return {};
  VECMILL_ASSIGN(std::string text, read_file(folder / file, kMaxConfig));
  files.emplace(file, std::move(text));
  return {};
}

bool is_model2vec(const ConfigFiles& files) {
  const auto config = files.find("config.json");
  if (config == files.end()) return false;
  const auto json = parse_json(config->second);
  return json && json->is_object() && json->value("model_type", nlohmann::json()) == "model2vec";
}

}  // namespace

Result<ConfigFiles> load_config_files(const fs::path& model_folder) {
  std::error_code ignored;
  if (!fs::is_directory(model_folder, ignored)) {
    return make_error(ErrorKind::kNotFound, "is not a model folder", model_folder.string());
  }
  ConfigFiles files;
  VECMILL_TRY(load_if_there(model_folder, kModules, files));
  VECMILL_TRY(load_if_there(model_folder, kPrompts, files));
  std::vector<ModuleEntry> modules = {{kTransformer, ""}};
  if (const auto list = files.find(kModules); list != files.end()) {
    VECMILL_ASSIGN(modules, parse_modules(list->second, (model_folder / kModules).string()));
  }
  for (const ModuleEntry& module : modules) {
    VECMILL_TRY(load_if_there(model_folder, join(module.folder, "config.json"), files));
  }
  if (!files.contains(kModules) && is_model2vec(files)) modules.front().kind = kStatic;
  const std::string& transformer = modules.front().folder;
  if (modules.front().kind == kStatic) {
    VECMILL_ASSIGN(files[kStaticFacts], static_facts(model_folder / transformer));
  }
  if (is_there(model_folder / transformer / "adapter_config.json")) {
    return unsupported((model_folder / transformer / "adapter_config.json").string(),
                       "an adapter (PEFT) is not supported");
  }
  for (const char* file : kTransformerSettings) {
    VECMILL_TRY(load_if_there(model_folder, join(transformer, file), files));
  }
  VECMILL_TRY(load_if_there(model_folder, join(transformer, kTokenizerConfig), files));
  return files;
}

Result<ModelConfig> parse_model_config(const ConfigFiles& files, const std::string& where) {
  return Parser(files, where).run();
}

}  // namespace vecmill::encode
