#include <algorithm>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/encode/bf16.h"
#include "vecmill/encode/calibrate.h"
#include "vecmill/encode/distance_bias.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/head_files.h"
#include "vecmill/encode/model_config.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/packed_writer.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/rotary.h"
#include "vecmill/encode/static_embedding.h"
#include "vecmill/encode/tensor_names.h"
#include "vecmill/encode/weights.h"
#include "vecmill/encode/word_writer.h"

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

/// The file counts in floats whatever lies in it.
template <class Number>
std::span<const float> as_floats(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const float*>(numbers.data()),
          numbers.size() * sizeof(Number) / sizeof(float)};
}

/// In which numbers the products of the layers are taken: f32 but for one of these.
struct Format {
  bool bf16 = false;
  const StatisticsByName* int8 = nullptr;
  bool compact_words = false;  ///< with `int8`
};

/// Reads tensors of one folder under their names there and writes them under ours.
class Packer {
 public:
  Packer(const ModelConfig& model, const Weights& weights, PackedWriter& writer,
         const Format& format)
      : config_(model.transformer), weights_(weights), writer_(writer), format_(format) {}

  Status embeddings(const TensorNames& names);
  Status layer(const LayerNames& names, const std::string& to);

 private:
  /// [out, in] and its bias, which is zeros where the model has none.
  struct Matrix {
    std::vector<float> weight, bias;
  };
  Result<Matrix> read(const std::string& base, std::uint32_t in, std::uint32_t out,
                      bool has_bias) const;
  Result<Matrix> read_qkv(const LayerNames& names) const;
  Status write(const Matrix& matrix, std::uint32_t in, const std::string& to);
  Status write_whole(const QuantizedLinear& whole, const std::string& to);
  Status write_pairs(const Matrix& matrix, std::uint32_t in, const std::string& to);
  Status linear(const std::string& base, std::uint32_t in, std::uint32_t out, bool has_bias,
                const std::string& to);
  Status feed_forward_in(const LayerNames& names, const std::string& to);
  Status norm(const std::string& base, std::uint32_t width, const std::string& to);
  Status words(const TensorNames& names, const std::vector<float>& token_type);
  Status positions(const TensorNames& names, const std::vector<float>& token_type);

  const TransformerConfig& config_;
  const Weights& weights_;
  PackedWriter& writer_;
  const Format format_;
};

Result<Packer::Matrix> Packer::read(const std::string& base, std::uint32_t in, std::uint32_t out,
                                    bool has_bias) const {
  Matrix matrix{{}, std::vector<float>(out)};
  VECMILL_ASSIGN(matrix.weight, weights_.read(base + ".weight", {out, in}));
  if (has_bias) {
    VECMILL_ASSIGN(matrix.bias, weights_.read(base + ".bias", {out}));
  }
  return matrix;
}

Status Packer::write(const Matrix& matrix, std::uint32_t in, const std::string& to) {
  const auto out = static_cast<std::uint32_t>(matrix.bias.size());
  std::vector<float> bias = matrix.bias;
  bias.resize(padded(out));
  VECMILL_TRY(writer_.add(to + ".bias", bias));
  if (format_.bf16 && to.starts_with("layer.")) return write_pairs(matrix, in, to);
  if (format_.int8 != nullptr) {
    if (const auto seen = format_.int8->find(to); seen != format_.int8->end()) {
      return write_whole(quantize_linear(matrix.weight.data(), out, in, seen->second), to);
    }
  }
  std::vector<float> packed(packed_floats(out, in));
  pack_linear(matrix.weight.data(), out, in, packed.data());
  return writer_.add(to + ".weight", packed);
}

Status Packer::write_whole(const QuantizedLinear& whole, const std::string& to) {
  VECMILL_TRY(writer_.add(to + ".bytes", as_floats(whole.panels)));
  VECMILL_TRY(writer_.add(to + ".scales", whole.scales));
  VECMILL_TRY(writer_.add(to + ".sums", as_floats(whole.sums)));
  VECMILL_TRY(writer_.add(to + ".mask", whole.mask));
  VECMILL_TRY(writer_.add(to + ".kept", as_floats(whole.kept)));
  return writer_.add(to + ".kept_weights", whole.kept_weights);
}

Status Packer::write_pairs(const Matrix& matrix, std::uint32_t in, const std::string& to) {
  const auto out = static_cast<std::uint32_t>(matrix.bias.size());
  std::vector<std::uint16_t> packed(2 * packed_pairs(out, in));
  pack_pairs(matrix.weight.data(), out, in, packed.data());
  return writer_.add(to + ".pairs", as_floats(packed));
}

Status Packer::linear(const std::string& base, std::uint32_t in, std::uint32_t out, bool has_bias,
                      const std::string& to) {
  VECMILL_ASSIGN(const Matrix matrix, read(base, in, out, has_bias));
  return write(matrix, in, to);
}

/// Query, key and value one below the other become one product.
Result<Packer::Matrix> Packer::read_qkv(const LayerNames& names) const {
  const std::uint32_t hidden = config_.hidden;
  if (!names.qkv.empty()) return read(names.qkv, hidden, 3 * hidden, config_.biases.attention);
  Matrix all;
  for (const std::string* name : {&names.query, &names.key, &names.value}) {
    VECMILL_ASSIGN(const Matrix part, read(*name, hidden, hidden, config_.biases.attention));
    all.weight.insert(all.weight.end(), part.weight.begin(), part.weight.end());
    all.bias.insert(all.bias.end(), part.bias.begin(), part.bias.end());
  }
  return all;
}

Status Packer::feed_forward_in(const LayerNames& names, const std::string& to) {
  const std::uint32_t hidden = config_.hidden, width = config_.intermediate;
  const bool has_bias = config_.biases.ffn_in;
  if (names.ffn_pair.empty()) {
    VECMILL_TRY(linear(names.ffn_in, hidden, width, has_bias, to + "ffn_in"));
    return config_.gated ? linear(names.ffn_up, hidden, width, has_bias, to + "ffn_up") : Status();
  }
  VECMILL_ASSIGN(const Matrix pair, read(names.ffn_pair, hidden, 2 * width, has_bias));
  const auto weight = static_cast<std::ptrdiff_t>(std::size_t{width} * hidden);
  const auto middle = pair.weight.begin() + weight;
  const Matrix first{{pair.weight.begin(), middle}, {pair.bias.begin(), pair.bias.begin() + width}};
  const Matrix second{{middle, pair.weight.end()}, {pair.bias.begin() + width, pair.bias.end()}};
  VECMILL_TRY(write(names.up_is_first ? second : first, hidden, to + "ffn_in"));
  return write(names.up_is_first ? first : second, hidden, to + "ffn_up");
}

/// Checkpoints from before 2020 say gamma and beta.
Status Packer::norm(const std::string& base, std::uint32_t width, const std::string& to) {
  const bool old =
      weights_.find(base + ".weight") == nullptr && weights_.find(base + ".gamma") != nullptr;
  VECMILL_ASSIGN(const auto scale, weights_.read(base + (old ? ".gamma" : ".weight"), {width}));
  std::vector<float> shift(width);
  if (config_.biases.norm) {
    VECMILL_ASSIGN(shift, weights_.read(base + (old ? ".beta" : ".bias"), {width}));
  }
  VECMILL_TRY(writer_.add(to + ".weight", scale));
  return writer_.add(to + ".bias", shift);
}

void add_to_rows(const std::vector<float>& row, std::vector<float>& matrix) {
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] += row[i % row.size()];
}

Status Packer::embeddings(const TensorNames& names) {
  const std::uint32_t width = config_.embedding_width;
  std::vector<float> token_type;  // a single text has type 0 throughout
  if (!names.token_types.empty()) {
    VECMILL_ASSIGN(token_type, weights_.read(names.token_types, {config_.token_types, width}));
    token_type.resize(width);
  }
  VECMILL_TRY(words(names, token_type));
  VECMILL_TRY(positions(names, token_type));
  if (!names.embedding_project.empty()) {
    VECMILL_TRY(linear(names.embedding_project, width, config_.hidden, true, "embedding_project"));
  }
  if (!names.final_norm.empty()) {
    VECMILL_TRY(norm(names.final_norm, config_.hidden, "final_norm"));
  }
  return norm(names.embedding_norm, width, "embedding_norm");
}

/// Piece by piece: the table may be larger than all the rest.
Status Packer::words(const TensorNames& names, const std::vector<float>& token_type) {
  const std::uint32_t width = config_.embedding_width;
  const bool add = !config_.has_position_table() && !token_type.empty();
  const WordWriter::Numbers numbers = format_.bf16            ? WordWriter::Numbers::kBf16
                                      : format_.compact_words ? WordWriter::Numbers::kInt8
                                                              : WordWriter::Numbers::kF32;
  WordWriter words(writer_, numbers, config_.vocab, width);
  VECMILL_TRY(words.start());
  std::uint64_t at = 0;
  std::vector<float> values;
  VECMILL_TRY(
      weights_.read_pieces(names.words, {config_.vocab, width}, [&](std::span<const float> piece) {
        values.assign(piece.begin(), piece.end());
        for (std::size_t i = 0; add && i < values.size(); ++i) {
          values[i] += token_type[at++ % width];
        }
        return words.append(values);
      }));
  return words.finish();
}

/// Whatever tells the model where a token stands.
Status Packer::positions(const TensorNames& names, const std::vector<float>& token_type) {
  const std::uint32_t features = config_.hidden / config_.heads;
  if (config_.has_position_table()) {
    VECMILL_ASSIGN(auto rows, weights_.read(names.positions,
                                            {config_.max_positions, config_.embedding_width}));
    if (!token_type.empty()) add_to_rows(token_type, rows);
    VECMILL_TRY(writer_.add("positions", rows));
  }
  if (!names.relative_bias.empty()) {
    VECMILL_ASSIGN(const auto bias,
                   weights_.read(names.relative_bias, {config_.relative_buckets, config_.heads}));
    VECMILL_TRY(writer_.add("relative_bias", bias));
  }
  if (config_.alibi) VECMILL_TRY(writer_.add("alibi_slopes", alibi_slopes(config_.heads)));
  if (config_.rotary) {
    VECMILL_TRY(
        writer_.add("rotary", rotary_table(*config_.rotary, config_.max_positions, features)));
  }
  if (config_.window > 0) {
    const auto table = rotary_table(config_.local_rotary, config_.max_positions, features);
    VECMILL_TRY(writer_.add("local_rotary", table));
  }
  return {};
}

Status Packer::layer(const LayerNames& names, const std::string& to) {
  const std::uint32_t hidden = config_.hidden;
  const TransformerConfig::Biases& biases = config_.biases;
  VECMILL_ASSIGN(const Matrix qkv, read_qkv(names));
  VECMILL_TRY(write(qkv, hidden, to + "qkv"));
  VECMILL_TRY(linear(names.attention_out, hidden, hidden, biases.attention, to + "attention_out"));
  if (!names.attention_norm.empty()) {
    VECMILL_TRY(norm(names.attention_norm, hidden, to + "attention_norm"));
  }
  VECMILL_TRY(feed_forward_in(names, to));
  VECMILL_TRY(linear(names.ffn_out, config_.intermediate, hidden, biases.ffn_out, to + "ffn_out"));
  return norm(names.ffn_norm, hidden, to + "ffn_norm");
}

Status pack_static(const ModelConfig& model, const ConfigFiles& files, const Weights& weights,
                   PackedWriter& writer) {
  VECMILL_ASSIGN(const StaticConfig config,
                 parse_static_facts(files.at(kStaticFacts), weights.files().front().string()));
  VECMILL_ASSIGN(const auto rows, read_static_rows(weights, config));
  VECMILL_CHECK(rows.size() == std::size_t{model.transformer.vocab} * model.transformer.hidden);
  return writer.add("words", rows);
}

Status pack_transformer(const ModelConfig& model, const Weights& weights, PackedWriter& writer,
                        const Format& format) {
  VECMILL_ASSIGN(const TensorNames names, find_tensor_names(model.transformer, weights));
  Packer packer(model, weights, writer, format);
  VECMILL_TRY(packer.embeddings(names));
  for (std::size_t i = 0; i < names.layers.size(); ++i) {
    VECMILL_TRY(packer.layer(names.layers[i], "layer." + std::to_string(i) + "."));
  }
  return {};
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
    VECMILL_ASSIGN(PackedSource source, source_of(path, root));
    sources.push_back(std::move(source));
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

Status pack_model(const fs::path& model_folder, const fs::path& packed_file, const Format& format) {
  VECMILL_ASSIGN(ConfigFiles files, load_config_files(model_folder));
  VECMILL_ASSIGN(const ModelConfig model, parse_model_config(files, model_folder.string()));
  if (format.bf16 && model.transformer.family == Family::kStatic) return has_no_layers("bf16");
  VECMILL_ASSIGN(const Weights weights, Weights::open(model_folder / model.transformer_folder));
  VECMILL_ASSIGN(PackedWriter writer, PackedWriter::create(packed_file));
  if (model.transformer.family == Family::kStatic) {
    VECMILL_TRY(pack_static(model, files, weights, writer));
  } else {
    VECMILL_TRY(pack_transformer(model, weights, writer, format));
  }
  std::vector<PackedSource> sources;
  VECMILL_TRY(add_sources(weights, model_folder, sources));
  VECMILL_TRY(pack_post(model, model_folder, writer, sources));
  VECMILL_ASSIGN(PackedHeads heads, pack_heads(model_folder, model.transformer.hidden, writer));
  return writer.finish(std::move(files), std::move(sources), std::move(heads));
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
  return pack_model(model_folder, packed_file, {});
}

Status pack_bf16(const fs::path& model_folder, const fs::path& packed_file) {
  return pack_model(model_folder, packed_file, {.bf16 = true});
}

Status pack_int8(const fs::path& model_folder, const fs::path& packed_file,
                 const Calibration& calibration) {
  VECMILL_ASSIGN(const StatisticsByName seen, measure_inputs(calibration));
  return pack_model(model_folder, packed_file, {.int8 = &seen});
}

Status pack_int8_compact(const fs::path& model_folder, const fs::path& packed_file,
                         const Calibration& calibration) {
  VECMILL_ASSIGN(const StatisticsByName seen, measure_inputs(calibration));
  return pack_model(model_folder, packed_file, {.int8 = &seen, .compact_words = true});
}

}  // namespace vecmill::encode
