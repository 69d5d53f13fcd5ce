#include "vecmill/encode/encoder.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "vecmill/base/hash.h"
#include "vecmill/encode/forward.h"
#include "vecmill/encode/isa.h"
#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/packed_model.h"
#include "vecmill/encode/pooling.h"
#include "vecmill/encode/post_modules.h"
#include "vecmill/encode/team.h"

namespace vecmill::encode {

struct EncoderWorkspace::State {
  Workspace forward;
  std::vector<std::span<const TokenId>> texts;
  std::vector<float> hidden;  ///< [tokens of the batch, hidden]
  std::vector<float> vector;  ///< of one text, on its way through the modules
  HeadPass heads;
};
EncoderWorkspace::EncoderWorkspace() : state_(std::make_unique<State>()) {}
EncoderWorkspace::~EncoderWorkspace() = default;

struct Encoder::State {
  PackedModel model;
  Isa isa;
  const Kernels& kernels;
  std::uint32_t dims;

  /// What a call gives back.
  struct Results {
    float* vectors = nullptr;
    const HeadRequest& heads;
  };

  Status run(std::span<const Sequence> batch, EncoderWorkspace::State& work, Team* team,
             const Results& results) const;
  Status run_static(std::span<const Sequence> batch, std::vector<float>& vector, float* out) const;
  Status check(const Sequence& sequence) const;
  Status check(const HeadRequest& heads, std::size_t texts) const;
  void pool_rows(const Sequence& sequence, const float* hidden, std::vector<float>& vector) const;
  void finish(std::vector<float>& vector, float* out) const;
  [[nodiscard]] bool is_static() const {
    return model.config.transformer.family == Family::kStatic;
  }
};

Encoder::Encoder(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Encoder::~Encoder() = default;

Result<std::shared_ptr<const Encoder>> Encoder::open(const std::filesystem::path& packed_file,
                                                     const EncoderOptions& options) {
  VECMILL_ASSIGN(const Isa isa, choose_isa(options.isa));
  VECMILL_ASSIGN(PackedModel model, PackedModel::open(packed_file));
  const std::uint32_t all = model.config.description.dims;
  const std::uint32_t dims = options.dims == 0 ? all : options.dims;
  if (dims > all) {
    return make_error(ErrorKind::kInvalidArgument,
                      "the model gives " + std::to_string(all) + " components, " +
                          std::to_string(dims) + " were asked for",
                      "--dims", "ask for at most " + std::to_string(all));
  }
  auto state = std::make_unique<State>(State{std::move(model), isa, kernels(isa), dims});
  return std::shared_ptr<const Encoder>(new Encoder(std::move(state)));
}

const ModelDescription& Encoder::description() const { return state_->model.config.description; }
std::uint32_t Encoder::dims() const { return state_->dims; }
const std::string& Encoder::fingerprint() const { return state_->model.fingerprint; }
const std::string& Encoder::weights_sha256() const { return state_->model.weights_sha256; }
Outputs Encoder::outputs() const { return state_->model.heads.outputs(); }
std::uint32_t Encoder::multivector_dims() const {
  const auto& head = state_->model.heads.multivector;
  return head ? head->out : 0;
}
std::string Encoder::heads_fingerprint(const Outputs& outputs) const {
  std::string all;
  for (const auto& [name, head] : state_->model.file.meta().heads) {
    const bool wanted = name == "sparse" ? outputs.sparse : outputs.multivector;
    if (wanted) all += name + " " + head.source.sha256 + "\n";
  }
  return all.empty() ? all : sha256_hex("vecmill heads 1\n" + all);
}
std::string Encoder::arithmetic() const {
  for (const Layer& layer : state_->model.transformer.layers) {
    if (layer.qkv.packed == nullptr) {
      return state_->model.transformer.words_int8 != nullptr ? "int8-compact/3" : "int8/3";
    }
    if (layer.qkv.pairs) return kBf16Arithmetic;
  }
  return "f32/1";
}
std::string Encoder::isa() const { return std::string(name(state_->isa)); }

double Encoder::operations(std::uint32_t tokens) const {
  double weights = 0, attention = 0;
  for (const Layer& layer : state_->model.transformer.layers) {
    for (const auto& [name, member] : kLinears) {
      const Linear& l = layer.*member;
      weights += double{2} * l.in * l.out;
    }
    attention += double{4} * tokens * state_->model.transformer.hidden;
  }
  return tokens * (weights + attention);
}

std::vector<KeptInputs> Encoder::kept_inputs() const {
  std::vector<KeptInputs> all;
  for (std::size_t i = 0; i < state_->model.transformer.layers.size(); ++i) {
    for (const auto& [name, member] : kLinears) {
      const Linear& l = state_->model.transformer.layers[i].*member;
      if (!l.is_there() || l.packed != nullptr) continue;
      all.push_back({"layer." + std::to_string(i) + "." + name, l.in, l.out, l.whole.kept_count});
    }
  }
  return all;
}

std::uint64_t Encoder::layer_bytes() const {
  std::error_code ignored;
  const std::uint64_t all = std::filesystem::file_size(state_->model.file.where(), ignored);
  const Transformer& t = state_->model.transformer;
  return ignored ? 0 : all - std::min<std::uint64_t>(all, t.word(0).size() * t.vocab);
}

std::uint64_t Encoder::work_bytes(std::size_t total, std::size_t longest,
                                  std::uint32_t threads) const {
  const std::size_t of_token = state_->model.transformer.hidden + 2 * multivector_dims();
  return sizeof(float) * total * of_token +
         encode::work_bytes(state_->model.transformer, total, longest, threads);
}

std::unique_ptr<EncoderWorkspace> Encoder::make_workspace() const {
  return std::unique_ptr<EncoderWorkspace>(new EncoderWorkspace());
}

Status Encoder::encode(std::span<const Sequence> batch, EncoderWorkspace& workspace, float* out,
                       const HeadRequest& heads) const {
  return state_->run(batch, *workspace.state_, nullptr, {out, heads});
}

Status Encoder::encode_one(const Sequence& sequence, Team& team, EncoderWorkspace& workspace,
                           float* out, const HeadRequest& heads) const {
  return state_->run({&sequence, 1}, *workspace.state_, &team, {out, heads});
}

Status verify_packed(const std::filesystem::path& packed_file) {
  VECMILL_ASSIGN(const PackedModel model, PackedModel::open(packed_file));
  return model.file.verify_all();
}

Status Encoder::State::check(const Sequence& sequence) const {
  const auto bad = [&](std::string message) {
    return make_error(ErrorKind::kInvalidArgument, std::move(message), model.file.where());
  };
  const std::size_t limit = model.config.transformer.usable_positions();
  if (sequence.ids.empty() && !is_static()) return bad("a text without tokens cannot be encoded");
  if (sequence.ids.size() > limit) {
    return bad("a text of " + std::to_string(sequence.ids.size()) +
               " tokens does not fit the model's " + std::to_string(limit) + " positions");
  }
  if (!model.config.pooling.include_prompt && sequence.prompt_tokens >= sequence.ids.size()) {
    return bad("the prompt leaves no token of the text");
  }
  return model.verify_words(sequence.ids);
}

Status Encoder::State::check(const HeadRequest& heads, std::size_t texts) const {
  const Outputs had = model.heads.outputs();
  if (heads.out.empty()) return {};
  if (heads.out.size() != texts) {
    return make_error(ErrorKind::kInvalidArgument, "as many results as texts are needed");
  }
  if (had.contain(heads.outputs)) return {};
  return make_error(ErrorKind::kUnsupported,
                    "gives " + name(had) + ", " + name(heads.outputs) + " was asked for",
                    model.file.where());
}

Status Encoder::State::run(std::span<const Sequence> batch, EncoderWorkspace::State& work,
                           Team* team, const Results& results) const {
  if (batch.empty()) return {};
  VECMILL_TRY(check(results.heads, batch.size()));
  if (is_static()) return run_static(batch, work.vector, results.vectors);
  work.texts.clear();
  std::size_t tokens = 0;
  for (const Sequence& sequence : batch) {
    VECMILL_TRY(check(sequence));
    work.texts.push_back(sequence.ids);
    tokens += sequence.ids.size();
  }
  const std::size_t hidden = model.transformer.hidden;
  work.hidden.resize(std::max(work.hidden.size(), tokens * hidden));
  const Transformer& transformer = model.transformer;
  prepare(transformer, work.texts, team == nullptr ? 1 : team->size(), work.forward);
  const HeadRequest& heads = results.heads;
  work.heads.begin(model.heads, heads.out.empty() ? Outputs{} : heads.outputs, tokens);
  const auto share = [&](const Crew& crew) {
    forward(transformer, kernels, work.texts, work.forward, work.hidden.data(), crew);
    work.heads.project(kernels, work.hidden.data(), crew);
  };
  if (team == nullptr) {
    share({});
  } else {
    team->run(share);
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    pool_rows(batch[i], work.hidden.data() + first * hidden, work.vector);
    finish(work.vector, results.vectors + i * dims);
    if (!heads.out.empty()) work.heads.finish(batch[i].ids, first, heads.dropped, heads.out[i]);
    first += batch[i].ids.size();
  }
  return {};
}

/// The mean of the rows of the tokens; zeros where no token takes part.
Status Encoder::State::run_static(std::span<const Sequence> batch, std::vector<float>& vector,
                                  float* out) const {
  const std::uint32_t width = model.transformer.embedding_width;
  for (const Sequence& sequence : batch) {
    VECMILL_TRY(check(sequence));
    vector.assign(width, 0.0F);
    std::size_t count = 0;
    for (const TokenId id : sequence.ids) {
      if (id == model.config.unpooled_token) continue;
      ++count;
      const float* row = model.transformer.words + static_cast<std::size_t>(id) * width;
      for (std::uint32_t i = 0; i < width; ++i) vector[i] += row[i];
    }
    for (float& v : vector) v /= static_cast<float>(std::max<std::size_t>(count, 1));
    finish(vector, out);
    out += dims;
  }
  return {};
}

void Encoder::State::pool_rows(const Sequence& sequence, const float* hidden,
                               std::vector<float>& vector) const {
  const PoolingConfig& pooling = model.config.pooling;
  vector.resize(pooling.modes.size() * pooling.dims);
  pool(pooling.modes,
       {hidden, static_cast<std::uint32_t>(sequence.ids.size()), pooling.dims,
        pooling.include_prompt ? 0 : sequence.prompt_tokens},
       vector.data());
}

/// From what the pooling gives to the vector of the text.
void Encoder::State::finish(std::vector<float>& vector, float* out) const {
  for (const PostStep& step : model.post) {
    std::visit([&](const auto& module) { apply_module(module, vector); }, step);
  }
  // A shorter vector of a model that makes unit vectors is made one again.
  if (dims < vector.size() && model.config.description.normalized) normalize(vector.data(), dims);
  std::copy_n(vector.data(), dims, out);
}

}  // namespace vecmill::encode
