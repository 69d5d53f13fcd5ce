#include "vecmill/encode/static_embedding.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/json_reader.h"

namespace vecmill::encode {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRows = "embedding.weight";  // of sentence-transformers
constexpr const char* kModel2VecRows = "embeddings";
constexpr const char* kMapping = "mapping";
constexpr const char* kWeights = "weights";

/// What the model of a tokenizer.json maps a token to; -1 when it is not there.
std::int64_t id_of(const nlohmann::json& tokenizer, const std::string& token) {
  const nlohmann::json vocab = tokenizer.at("model").value("vocab", nlohmann::json::object());
  if (vocab.is_object() && vocab.contains(token) && vocab.at(token).is_number_unsigned()) {
    return vocab.at(token).get<std::int64_t>();
  }
  for (const nlohmann::json& added : tokenizer.value("added_tokens", nlohmann::json::array())) {
    if (added.is_object() && added.contains("content") && added.at("content") == token &&
        added.contains("id") && added.at("id").is_number_unsigned()) {
      return added.at("id").get<std::int64_t>();
    }
  }
  return -1;
}

/// The unknown token's id; -1 when there is none.
Result<std::int64_t> unknown_id(const fs::path& folder) {
  const fs::path path = folder / "tokenizer.json";
  VECMILL_ASSIGN(const std::string text, read_file(path));
  const auto json = parse_json(text);
  if (!json || !json->is_object() || !json->contains("model") || !json->at("model").is_object()) {
    return make_error(ErrorKind::kInvalidData, "is not a tokenizer", path.string());
  }
  const nlohmann::json& model = json->at("model");
  if (model.contains("unk_id") && model.at("unk_id").is_number_unsigned()) {
    return model.at("unk_id").get<std::int64_t>();
  }
  if (!model.contains("unk_token") || !model.at("unk_token").is_string()) return -1;
  return id_of(*json, model.at("unk_token").get<std::string>());
}

Result<std::uint32_t> extent(const Weights& weights, const TensorInfo& tensor, std::size_t axis,
                             std::size_t axes) {
  if (tensor.shape.size() == axes && tensor.shape[axis] > 0 && tensor.shape[axis] < 1u << 30) {
    return static_cast<std::uint32_t>(tensor.shape[axis]);
  }
  return make_error(ErrorKind::kMismatch,
                    "the table of embeddings has the shape " + shape_text(tensor.shape),
                    weights.files().front().string());
}

/// Quantised tables are used as whole numbers, without a scale.
Result<std::vector<float>> read_table(const Weights& weights, const char* name, std::uint64_t rows,
                                      std::uint64_t dims) {
  if (weights.find(name)->dtype != "I8") return weights.read(name, {rows, dims});
  VECMILL_ASSIGN(const auto integers, weights.read_integers(name, {rows, dims}));
  return std::vector<float>(integers.begin(), integers.end());
}

}  // namespace

Result<std::string> static_facts(const fs::path& folder) {
  VECMILL_ASSIGN(const Weights weights, Weights::open(folder));
  const TensorInfo* rows = weights.find(kRows);
  const bool model2vec = rows == nullptr;
  if (model2vec) rows = weights.find(kModel2VecRows);
  if (rows == nullptr) {
    return make_error(ErrorKind::kInvalidData,
                      "has neither a tensor 'embedding.weight' nor 'embeddings'",
                      weights.files().front().string());
  }
  VECMILL_ASSIGN(std::uint32_t tokens, extent(weights, *rows, 0, 2));
  VECMILL_ASSIGN(const std::uint32_t dims, extent(weights, *rows, 1, 2));
  std::int64_t unknown = -1;
  if (model2vec) {
    if (const TensorInfo* mapping = weights.find(kMapping)) {
      VECMILL_ASSIGN(tokens, extent(weights, *mapping, 0, 1));
    }
    VECMILL_ASSIGN(unknown, unknown_id(folder));
  }
  const nlohmann::json facts = {
      {"tokens", tokens}, {"dims", dims}, {"unknown", unknown}, {"model2vec", model2vec}};
  return facts.dump();
}

Result<StaticConfig> parse_static_facts(std::string_view text, const std::string& where) {
  VECMILL_ASSIGN(const JsonReader json, JsonReader::parse(text, where));
  StaticConfig config;
  VECMILL_ASSIGN(config.tokens, json.size("tokens", std::nullopt));
  VECMILL_ASSIGN(config.dims, json.size("dims", std::nullopt));
  VECMILL_ASSIGN(config.model2vec, json.flag("model2vec", false));
  VECMILL_ASSIGN(const double unknown, json.number("unknown", -1));
  if (config.tokens == 0 || config.dims == 0 || !(unknown >= -1 && unknown < 1u << 30)) {
    return json.error("the sizes are not sensible");
  }
  config.unknown = static_cast<std::int64_t>(unknown);
  return config;
}

Result<std::vector<float>> read_static_rows(const Weights& weights, const StaticConfig& config) {
  if (!config.model2vec) return weights.read(kRows, {config.tokens, config.dims});
  VECMILL_ASSIGN(const std::uint32_t stored, extent(weights, *weights.find(kModel2VecRows), 0, 2));
  VECMILL_ASSIGN(auto rows, read_table(weights, kModel2VecRows, stored, config.dims));
  if (weights.find(kMapping) != nullptr) {
    VECMILL_ASSIGN(const auto mapping, weights.read_integers(kMapping, {config.tokens}));
    std::vector<float> mapped;
    mapped.reserve(std::size_t{config.tokens} * config.dims);
    for (const std::int64_t row : mapping) {
      if (row < 0 || row >= std::int64_t{stored}) {
        return make_error(ErrorKind::kInvalidData, "'mapping' names a row that is not there",
                          weights.files().front().string());
      }
      const auto first = rows.begin() + static_cast<std::ptrdiff_t>(row) * config.dims;
      mapped.insert(mapped.end(), first, first + config.dims);
    }
    rows = std::move(mapped);
  }
  if (weights.find(kWeights) != nullptr) {
    VECMILL_ASSIGN(const auto factors, weights.read(kWeights, {config.tokens}));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] *= factors[i / config.dims];
  }
  return rows;
}

}  // namespace vecmill::encode
