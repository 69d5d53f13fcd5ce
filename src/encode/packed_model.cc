#include "vecmill/encode/packed_model.h"

#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/base/hash.h"
#include "vecmill/encode/bf16.h"
#include "vecmill/encode/head_files.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/static_embedding.h"

namespace vecmill::encode {
namespace {

/// Fills the pointers of one model from its packed file.
class Loader {
 public:
  Loader(const PackedFile& file, const ModelConfig& config)
      : file_(file), model_(config), config_(config.transformer) {}

  Result<Transformer> transformer() const;
  Result<std::vector<PostStep>> post() const;

 private:
  Result<Linear> linear(const std::string& name, std::uint32_t in, std::uint32_t out) const;
  Result<WholeLinear> whole(const std::string& name, std::uint32_t in, std::uint32_t out) const;
  Result<LayerNorm> norm(const std::string& name, std::uint32_t width) const;
  Result<Layer> layer(std::uint32_t number) const;
  Status positions(Transformer& t) const;
  Status words(Transformer& t) const;
  Result<Dense> dense(const DenseConfig& dense, const std::string& name) const;
  Result<VectorNorm> vector_norm(const LayerNormConfig& norm, const std::string& name) const;

  const PackedFile& file_;
  const ModelConfig& model_;
  const TransformerConfig& config_;
};

Result<Linear> Loader::linear(const std::string& name, std::uint32_t in, std::uint32_t out) const {
  Linear linear{};
  linear.in = in;
  linear.out = out;
  VECMILL_ASSIGN(linear.bias, file_.tensor(name + ".bias", padded(out)));
  linear.pairs = file_.meta().tensors.contains(name + ".pairs");
  if (linear.pairs) {
    VECMILL_ASSIGN(linear.packed, file_.tensor(name + ".pairs", packed_pairs(out, in)));
    return linear;
  }
  if (!file_.meta().tensors.contains(name + ".bytes")) {
    VECMILL_ASSIGN(linear.packed, file_.tensor(name + ".weight", packed_floats(out, in)));
    return linear;
  }
  VECMILL_ASSIGN(linear.whole, whole(name, in, out));
  return linear;
}

Result<WholeLinear> Loader::whole(const std::string& name, std::uint32_t in,
                                  std::uint32_t out) const {
  WholeLinear whole{};
  // A tensor that is missing is found missing below.
  const auto place = file_.meta().tensors.find(name + ".kept");
  if (place != file_.meta().tensors.end() && place->second.floats <= most_kept(in)) {
    whole.kept_count = static_cast<std::uint32_t>(place->second.floats);
  }
  VECMILL_ASSIGN(const float* bytes,
                 file_.tensor(name + ".bytes", std::uint64_t{padded(out)} * quads(in)));
  VECMILL_ASSIGN(const float* sums, file_.tensor(name + ".sums", padded(out)));
  VECMILL_ASSIGN(const float* kept, file_.tensor(name + ".kept", whole.kept_count));
  VECMILL_ASSIGN(whole.scales, file_.tensor(name + ".scales", padded(out)));
  VECMILL_ASSIGN(whole.mask, file_.tensor(name + ".mask", in));
  const std::uint64_t kept_floats = std::uint64_t{padded(out)} * whole.kept_count;
  VECMILL_ASSIGN(whole.kept_weights, file_.tensor(name + ".kept_weights", kept_floats));
  whole.bytes = reinterpret_cast<const std::int8_t*>(bytes);
  whole.sums = reinterpret_cast<const std::int32_t*>(sums);
  whole.kept = reinterpret_cast<const std::uint32_t*>(kept);
  for (std::uint32_t j = 0; j < whole.kept_count; ++j) {
    if (whole.kept[j] < in) continue;
    return make_error(ErrorKind::kInvalidData, "an input of '" + name + "' is none", file_.where(),
                      "pack the model again");
  }
  return whole;
}

Result<LayerNorm> Loader::norm(const std::string& name, std::uint32_t width) const {
  LayerNorm norm{};
  norm.eps = config_.norm_eps;
  VECMILL_ASSIGN(norm.weight, file_.tensor(name + ".weight", width));
  VECMILL_ASSIGN(norm.bias, file_.tensor(name + ".bias", width));
  return norm;
}

Result<Layer> Loader::layer(std::uint32_t number) const {
  Layer layer{};
  const std::string name = "layer." + std::to_string(number) + ".";
  const std::uint32_t hidden = config_.hidden;
  VECMILL_ASSIGN(layer.qkv, linear(name + "qkv", hidden, 3 * hidden));
  VECMILL_ASSIGN(layer.attention_out, linear(name + "attention_out", hidden, hidden));
  VECMILL_ASSIGN(layer.ffn_in, linear(name + "ffn_in", hidden, config_.intermediate));
  if (config_.gated) {
    VECMILL_ASSIGN(layer.ffn_up, linear(name + "ffn_up", hidden, config_.intermediate));
  }
  VECMILL_ASSIGN(layer.ffn_out, linear(name + "ffn_out", config_.intermediate, hidden));
  if (!config_.pre_norm || number > 0) {
    VECMILL_ASSIGN(layer.attention_norm, norm(name + "attention_norm", hidden));
  }
  VECMILL_ASSIGN(layer.ffn_norm, norm(name + "ffn_norm", hidden));
  return layer;
}

/// Whatever tells the layers where a token stands.
Status Loader::positions(Transformer& t) const {
  if (config_.has_position_table()) {
    const std::uint64_t floats = std::uint64_t{config_.max_positions} * config_.embedding_width;
    VECMILL_ASSIGN(t.positions, file_.tensor("positions", floats));
  }
  t.relative_buckets = config_.relative_buckets;
  if (config_.relative_buckets > 0) {
    const std::uint64_t floats = std::uint64_t{config_.relative_buckets} * config_.heads;
    VECMILL_ASSIGN(t.relative_bias, file_.tensor("relative_bias", floats));
  }
  if (config_.alibi) {
    VECMILL_ASSIGN(t.alibi_slopes, file_.tensor("alibi_slopes", config_.heads));
  }
  if (!config_.rotary) return {};
  const std::uint64_t floats =
      std::uint64_t{config_.max_positions} * (config_.hidden / config_.heads);
  const float* local = nullptr;
  VECMILL_ASSIGN(const float* global, file_.tensor("rotary", floats));
  if (config_.window > 0) {
    VECMILL_ASSIGN(local, file_.tensor("local_rotary", floats));
  }
  for (std::size_t i = 0; i < t.layers.size(); ++i) {
    const bool is_local = !config_.is_local.empty() && config_.is_local[i];
    t.layers[i].rotary = is_local ? local : global;
    t.layers[i].window = is_local ? config_.window : 0;
  }
  return {};
}

Status Loader::words(Transformer& t) const {
  const std::uint64_t count = std::uint64_t{config_.vocab} * config_.embedding_width;
  const auto& tensors = file_.meta().tensors;
  if (tensors.contains("words_bf16")) {
    VECMILL_ASSIGN(const float* halves, file_.unverified_tensor("words_bf16", (count + 1) / 2));
    t.words_bf16 = reinterpret_cast<const std::uint16_t*>(halves);
  } else if (tensors.contains("words_int8")) {
    const std::uint64_t row = compact_word_floats(config_.embedding_width);
    VECMILL_ASSIGN(const float* rows, file_.unverified_tensor("words_int8", config_.vocab * row));
    t.words_int8 = reinterpret_cast<const std::byte*>(rows);
  } else {
    VECMILL_ASSIGN(t.words, file_.unverified_tensor("words", count));
  }
  return {};
}

Result<Transformer> Loader::transformer() const {
  Transformer t{};
  t.hidden = config_.hidden;
  t.heads = config_.heads;
  t.intermediate = config_.intermediate;
  t.vocab = config_.vocab;
  t.max_positions = config_.max_positions;
  t.pad_id = config_.pad_id;
  t.position_rule =
      config_.positions_after_padding() ? Positions::kAfterPadding : Positions::kAbsolute;
  t.embedding_width = config_.embedding_width;
  VECMILL_TRY(words(t));
  if (config_.family == Family::kStatic) return t;
  const auto activation = parse_activation(config_.activation);
  VECMILL_CHECK(activation.has_value());
  t.activation = *activation;
  t.pre_norm = config_.pre_norm;
  VECMILL_ASSIGN(t.embedding_norm, norm("embedding_norm", config_.embedding_width));
  if (config_.embedding_width != config_.hidden) {
    VECMILL_ASSIGN(t.embedding_project,
                   linear("embedding_project", config_.embedding_width, config_.hidden));
  }
  if (config_.pre_norm) {
    VECMILL_ASSIGN(t.final_norm, norm("final_norm", config_.hidden));
  }
  for (std::uint32_t i = 0; i < config_.layers; ++i) {
    VECMILL_ASSIGN(Layer next, layer(i));
    t.layers.push_back(next);
  }
  t.attention_numbers = attention_numbers(t.layers.front());
  VECMILL_TRY(positions(t));
  return t;
}

Result<Dense> Loader::dense(const DenseConfig& config, const std::string& name) const {
  Dense dense;
  dense.in = config.in;
  dense.out = config.out;
  dense.activation = config.activation;
  dense.add_input = config.residual && config.in == config.out;
  const std::uint64_t floats = std::uint64_t{config.in} * config.out;
  VECMILL_ASSIGN(dense.weight, file_.tensor(name + "weight", floats));
  if (config.bias) {
    VECMILL_ASSIGN(dense.bias, file_.tensor(name + "bias", config.out));
  }
  if (config.residual && !dense.add_input) {
    VECMILL_ASSIGN(dense.residual, file_.tensor(name + "residual", floats));
  }
  return dense;
}

Result<VectorNorm> Loader::vector_norm(const LayerNormConfig& config,
                                       const std::string& name) const {
  VectorNorm norm;
  norm.dims = config.dims;
  VECMILL_ASSIGN(norm.weight, file_.tensor(name + "weight", config.dims));
  VECMILL_ASSIGN(norm.bias, file_.tensor(name + "bias", config.dims));
  return norm;
}

Result<std::vector<PostStep>> Loader::post() const {
  std::vector<PostStep> steps;
  for (std::size_t i = 0; i < model_.post.size(); ++i) {
    const std::string name = "post." + std::to_string(i) + ".";
    if (const auto* config = std::get_if<DenseConfig>(&model_.post[i])) {
      VECMILL_ASSIGN(Dense step, dense(*config, name));
      steps.emplace_back(step);
    } else if (const auto* norm_config = std::get_if<LayerNormConfig>(&model_.post[i])) {
      VECMILL_ASSIGN(VectorNorm step, vector_norm(*norm_config, name));
      steps.emplace_back(step);
    } else {
      steps.emplace_back(Normalize{});
    }
  }
  return steps;
}

std::string hash_sources(const std::vector<PackedSource>& sources) {
  if (sources.size() == 1) return sources.front().sha256;
  std::string all;
  for (const PackedSource& source : sources) all += source.name + " " + source.sha256 + "\n";
  return sha256_hex(all);
}

/// Prompts, limits and lower-casing are the caller's to mix in: he may override them.
std::string hash_model(const PackedMeta& meta, const std::string& weights) {
  std::string all = "vecmill encode 1\n" + weights + "\n";
  for (const auto& [name, text] : meta.configs) {
    if (!name.ends_with("modules.json") && !name.ends_with("/config.json") &&
        name != "config.json" && name != kStaticFacts) {
      continue;
    }
    all += name + " " + sha256_hex(text) + "\n";
  }
  return sha256_hex(all);
}

}  // namespace

Result<PackedModel> PackedModel::open(const std::filesystem::path& path) {
  VECMILL_ASSIGN(PackedFile file, PackedFile::open(path));
  VECMILL_ASSIGN(ModelConfig config, parse_model_config(file.meta().configs, path.string()));
  PackedModel model{std::move(file), std::move(config), {}, {}, {}, {}, {}};
  const Loader loader(model.file, model.config);
  VECMILL_ASSIGN(model.transformer, loader.transformer());
  VECMILL_ASSIGN(model.post, loader.post());
  VECMILL_ASSIGN(model.heads, load_heads(model.file, model.config.transformer.hidden));
  for (std::string& label : head_labels(model.heads.outputs())) {
    model.config.description.modules.push_back(std::move(label));
  }
  model.weights_sha256 = hash_sources(model.file.meta().weights);
  model.fingerprint = hash_model(model.file.meta(), model.weights_sha256);
  return model;
}

Status PackedModel::verify_words(std::span<const TokenId> ids) const {
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::uint32_t>(id) >= config.transformer.vocab) {
      return make_error(ErrorKind::kInvalidArgument,
                        "token id " + std::to_string(id) + " is outside the vocabulary of " +
                            std::to_string(config.transformer.vocab),
                        file.where(), "the tokenizer does not belong to these weights");
    }
    const auto row = transformer.word(static_cast<std::size_t>(id));
    VECMILL_TRY(file.verify(row.data(), row.size()));
  }
  return {};
}

}  // namespace vecmill::encode
