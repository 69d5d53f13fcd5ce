#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vecmill/encode/model_description.h"
#include "vecmill/encode/rotary.h"
#include "vecmill/result.h"

namespace vecmill::encode {

enum class Family : std::uint8_t {
  kBert,
  kRoberta,
  kXlmRoberta,
  kCamembert,
  kMpnet,
  kDistilbert,
  kElectra,
  kModernBert,
  kNomicBert,
  kGte,       ///< "new" in the checkpoints of Alibaba-NLP
  kJinaBert,  ///< "bert" with ALiBi
  kStatic,    ///< a table of rows by token and nothing else: no layers
};
[[nodiscard]] std::string_view name(Family family);

/// What config.json says of the transformer, with Hugging Face's defaults filled in.
struct TransformerConfig {
  Family family = Family::kBert;
  std::uint32_t hidden = 0, heads = 0, intermediate = 0, layers = 0;
  std::uint32_t vocab = 0, max_positions = 0, token_types = 0;
  std::uint32_t pad_id = 0;
  std::uint32_t relative_buckets = 0;  ///< MPNet's table, else 0
  float norm_eps = 0;
  std::string activation;  ///< "gelu", "gelu_tanh", "relu", "silu" or "tanh"

  std::uint32_t embedding_width = 0;  ///< ELECTRA's may differ from `hidden`
  bool pre_norm = false;              ///< the first attention has no norm, the last layer has one
  bool gated = false;                 ///< the feed-forward network
  struct Biases {
    bool attention = true, ffn_in = true, ffn_out = true, norm = true;
  } biases;
  bool alibi = false;
  std::optional<RotaryConfig> rotary;
  RotaryConfig local_rotary;   ///< of the local layers
  std::uint32_t window = 0;    ///< how far a token sees to each side in the local layers
  std::vector<bool> is_local;  ///< by layer; empty: none is

  [[nodiscard]] bool has_position_table() const { return !rotary && !alibi; }
  /// Positions count from pad_id + 1 and skip padding ids, as RoBERTa and MPNet do.
  [[nodiscard]] bool positions_after_padding() const {
    return family == Family::kRoberta || family == Family::kXlmRoberta ||
           family == Family::kCamembert || family == Family::kMpnet;
  }
  /// The longest sequence that has a position for every token.
  [[nodiscard]] std::uint32_t usable_positions() const {
    return positions_after_padding() ? max_positions - pad_id - 1 : max_positions;
  }
};

enum class PoolingMode : std::uint8_t {
  kCls,
  kMax,
  kMean,
  kMeanSqrtLen,
  kWeightedMean,
  kLastToken
};
enum class DenseActivation : std::uint8_t { kIdentity, kTanh, kRelu, kGelu, kSigmoid, kSilu };

struct PoolingConfig {
  std::vector<PoolingMode> modes;  ///< one after the other in the result
  std::uint32_t dims = 0;          ///< of one token
  bool include_prompt = true;
};
struct DenseConfig {
  std::string folder;  ///< relative to the model's
  std::uint32_t in = 0, out = 0;
  bool bias = true;
  bool residual = false;
  DenseActivation activation = DenseActivation::kTanh;
};
struct LayerNormConfig {
  std::string folder;
  std::uint32_t dims = 0;
};
struct NormalizeConfig {};
using PostModule = std::variant<DenseConfig, LayerNormConfig, NormalizeConfig>;

/// The configuration files of a model folder by their relative path, exactly as they are. The
/// packed file carries them, so a folder and its packed file are understood by the same code.
using ConfigFiles = std::map<std::string, std::string>;

struct ModelConfig {
  std::string transformer_folder;  ///< relative to the model's; often empty
  TransformerConfig transformer;
  std::int64_t unpooled_token = -1;  ///< of a static model, or -1
  PoolingConfig pooling;
  std::vector<PostModule> post;
  ModelDescription description;
};

///   errors  kNotFound, kIo, kInvalidData (a modules.json that leaves the folder)
Result<ConfigFiles> load_config_files(const std::filesystem::path& model_folder);

/// `where` names the folder or packed file in errors.
///   errors  kInvalidData, kMismatch (sizes that do not fit together), kUnsupported naming what
Result<ModelConfig> parse_model_config(const ConfigFiles& files, const std::string& where);

///   errors  kInvalidData, kUnsupported naming the architecture, activation or position type
Result<TransformerConfig> parse_transformer_config(std::string_view json, const std::string& where);

}  // namespace vecmill::encode
