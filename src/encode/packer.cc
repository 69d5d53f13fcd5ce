#include <utility>

#include "vecmill/base/hash.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/head_files.h"
#include "vecmill/encode/model_config.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/packed_writer.h"
#include "vecmill/encode/tensor_names.h"
#include "vecmill/encode/weights.h"

namespace vecmill::encode {
namespace fs = std::filesystem;
namespace {

/// Rows become columns: the order in which the modules behind the pooling read their weights.
std::vector<float> transpose(const std::vector<float>& matrix, std::size_t rows) {
  const std::size_t columns = matrix.size() / rows;
  std::vector<float> out(matrix.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  }
  return out;
}

/// Reads tensors of one folder under their names there and writes them under ours.
class Packer {
 public:
  Packer(const ModelConfig& model, const Weights& weights, PackedWriter& writer)
      : config_(model.transformer), weights_(weights), writer_(writer) {}

  Status embeddings(const TensorNames& names);
  Status layer(const LayerNames& names, const std::string& to);

 private:
  Result<std::vector<float>> bias(const std::string& base, std::uint32_t size) const {
    return weights_.read(base + ".bias", {size});
  }
  Status linear(std::initializer_list<std::string> parts, std::uint32_t in, std::uint32_t out,
                const std::string& to);
  Status norm(const std::string& base, const std::string& to);

  const TransformerConfig& config_;
  const Weights& weights_;
  PackedWriter& writer_;
};

/// The parts, each [out, in], one below the other become one product.
Status Packer::linear(std::initializer_list<std::string> parts, std::uint32_t in, std::uint32_t out,
                      const std::string& to) {
  std::vector<float> weight;
  std::vector<float> all_bias;
  for (const std::string& part : parts) {
    VECMILL_ASSIGN(const auto part_weight, weights_.read(part + ".weight", {out, in}));
    VECMILL_ASSIGN(const auto part_bias, bias(part, out));
    weight.insert(weight.end(), part_weight.begin(), part_weight.end());
    all_bias.insert(all_bias.end(), part_bias.begin(), part_bias.end());
  }
  const auto rows = static_cast<std::uint32_t>(all_bias.size());
  std::vector<float> packed(packed_floats(rows, in));
  pack_linear(weight.data(), rows, in, packed.data());
  all_bias.resize(padded(rows));
  VECMILL_TRY(writer_.add(to + ".weight", packed));
  return writer_.add(to + ".bias", all_bias);
}

/// Checkpoints from before 2020 say gamma and beta.
Status Packer::norm(const std::string& base, const std::string& to) {
  const bool old =
      weights_.find(base + ".weight") == nullptr && weights_.find(base + ".gamma") != nullptr;
  VECMILL_ASSIGN(const auto scale,
                 weights_.read(base + (old ? ".gamma" : ".weight"), {config_.hidden}));
  VECMILL_ASSIGN(const auto shift,
                 weights_.read(base + (old ? ".beta" : ".bias"), {config_.hidden}));
  VECMILL_TRY(writer_.add(to + ".weight", scale));
  return writer_.add(to + ".bias", shift);
}

Status Packer::embeddings(const TensorNames& names) {
  VECMILL_TRY(writer_.start("words", std::uint64_t{config_.vocab} * config_.hidden));
  VECMILL_TRY(weights_.read_pieces(names.words, {config_.vocab, config_.hidden},
                                   [&](auto piece) { return writer_.append(piece); }));
  VECMILL_ASSIGN(auto positions,
                 weights_.read(names.positions, {config_.max_positions, config_.hidden}));
  if (!names.token_types.empty()) {  // a single text has type 0 throughout
    VECMILL_ASSIGN(const auto types,
                   weights_.read(names.token_types, {config_.token_types, config_.hidden}));
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] += types[i % config_.hidden];
  }
  VECMILL_TRY(writer_.add("positions", positions));
  if (!names.relative_bias.empty()) {
    VECMILL_ASSIGN(const auto bias,
                   weights_.read(names.relative_bias, {config_.relative_buckets, config_.heads}));
    VECMILL_TRY(writer_.add("relative_bias", bias));
  }
  return norm(names.embedding_norm, "embedding_norm");
}

Status Packer::layer(const LayerNames& names, const std::string& to) {
  const std::uint32_t hidden = config_.hidden;
  VECMILL_TRY(linear({names.query, names.key, names.value}, hidden, hidden, to + "qkv"));
  VECMILL_TRY(linear({names.attention_out}, hidden, hidden, to + "attention_out"));
  VECMILL_TRY(norm(names.attention_norm, to + "attention_norm"));
  VECMILL_TRY(linear({names.ffn_in}, hidden, config_.intermediate, to + "ffn_in"));
  VECMILL_TRY(linear({names.ffn_out}, config_.intermediate, hidden, to + "ffn_out"));
  return norm(names.ffn_norm, to + "ffn_norm");
}

Status pack_dense(const DenseConfig& dense, const Weights& weights, const std::string& to,
                  PackedWriter& writer) {
  VECMILL_ASSIGN(const auto weight, weights.read("linear.weight", {dense.out, dense.in}));
  VECMILL_TRY(writer.add(to + "weight", transpose(weight, dense.out)));
  if (dense.bias) {
    VECMILL_ASSIGN(const auto bias, weights.read("linear.bias", {dense.out}));
    VECMILL_TRY(writer.add(to + "bias", bias));
  }
  if (dense.residual && dense.in != dense.out) {
    VECMILL_ASSIGN(const auto residual, weights.read("residual.weight", {dense.out, dense.in}));
    VECMILL_TRY(writer.add(to + "residual", transpose(residual, dense.out)));
  }
  return {};
}

Status pack_norm(const LayerNormConfig& norm, const Weights& weights, const std::string& to,
                 PackedWriter& writer) {
  VECMILL_ASSIGN(const auto weight, weights.read("norm.weight", {norm.dims}));
  VECMILL_ASSIGN(const auto bias, weights.read("norm.bias", {norm.dims}));
  VECMILL_TRY(writer.add(to + "weight", weight));
  return writer.add(to + "bias", bias);
}

Status add_sources(const Weights& weights, const fs::path& root,
                   std::vector<PackedSource>& sources) {
  for (const fs::path& path : weights.files()) {
    VECMILL_ASSIGN(const MappedFile file, MappedFile::open(path));
    Sha256 hash;
    VECMILL_TRY(file.in_pieces([&](std::span<const std::byte> piece) -> Status {
      hash.update(piece);
      return {};
    }));
    sources.push_back({path.lexically_relative(root).string(), file.bytes().size(), hash.hex()});
  }
  return {};
}

Status pack_post(const ModelConfig& model, const fs::path& folder, PackedWriter& writer,
                 std::vector<PackedSource>& sources) {
  for (std::size_t i = 0; i < model.post.size(); ++i) {
    const std::string to = "post." + std::to_string(i) + ".";
    if (const auto* dense = std::get_if<DenseConfig>(&model.post[i])) {
      VECMILL_ASSIGN(const Weights weights, Weights::open(folder / dense->folder));
      VECMILL_TRY(pack_dense(*dense, weights, to, writer));
      VECMILL_TRY(add_sources(weights, folder, sources));
    } else if (const auto* norm = std::get_if<LayerNormConfig>(&model.post[i])) {
      VECMILL_ASSIGN(const Weights weights, Weights::open(folder / norm->folder));
      VECMILL_TRY(pack_norm(*norm, weights, to, writer));
      VECMILL_TRY(add_sources(weights, folder, sources));
    }
  }
  return {};
}

}  // namespace

Result<ModelDescription> describe(const fs::path& model_folder) {
  VECMILL_ASSIGN(const ConfigFiles files, load_config_files(model_folder));
  VECMILL_ASSIGN(ModelConfig model, parse_model_config(files, model_folder.string()));
  for (std::string& label : head_labels(outputs_of(model_folder))) {
    model.description.modules.push_back(std::move(label));
  }
  return std::move(model.description);
}

Status pack(const fs::path& model_folder, const fs::path& packed_file) {
  VECMILL_ASSIGN(ConfigFiles files, load_config_files(model_folder));
  VECMILL_ASSIGN(const ModelConfig model, parse_model_config(files, model_folder.string()));
  VECMILL_ASSIGN(const Weights weights, Weights::open(model_folder / model.transformer_folder));
  VECMILL_ASSIGN(const TensorNames names, find_tensor_names(model.transformer, weights));
  VECMILL_ASSIGN(PackedWriter writer, PackedWriter::create(packed_file));
  Packer packer(model, weights, writer);
  VECMILL_TRY(packer.embeddings(names));
  for (std::size_t i = 0; i < names.layers.size(); ++i) {
    VECMILL_TRY(packer.layer(names.layers[i], "layer." + std::to_string(i) + "."));
  }
  std::vector<PackedSource> sources;
  VECMILL_TRY(add_sources(weights, model_folder, sources));
  VECMILL_TRY(pack_post(model, model_folder, writer, sources));
  VECMILL_ASSIGN(PackedHeads heads, pack_heads(model_folder, model.transformer.hidden, writer));
  return writer.finish(std::move(files), std::move(sources), std::move(heads));
}

}  // namespace vecmill::encode
