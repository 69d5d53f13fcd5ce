#include "vecmill/encode/forward.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "vecmill/base/check.h"
#include "vecmill/encode/attention.h"
#include "vecmill/encode/pack.h"

namespace vecmill::encode {
namespace {

/// So many rows go through the feed-forward network at a time that what stands between its two
/// products stays in the second-level cache.
std::uint32_t feed_forward_rows(std::uint32_t intermediate) {
  constexpr std::uint32_t kCacheFloats = 72 * 1024;
  return std::clamp(kCacheFloats / intermediate / 12 * 12, 12U, 96U);
}

/// The forward pass of one crew member.
class Pass {
 public:
  Pass(const Transformer& model, const Kernels& kernels, Workspace& workspace, float* hidden,
       const Crew& crew)
      : model_(model), kernels_(kernels), workspace_(workspace), x_(hidden), crew_(crew) {}

  void run(std::span<const std::span<const TokenId>> texts) {
    for (const auto& ids : texts) {
      texts_.push_back({total_, static_cast<std::uint32_t>(ids.size())});
      total_ += static_cast<std::uint32_t>(ids.size());
      longest_ = std::max(longest_, texts_.back().tokens);
    }
    qkv_ = workspace_.qkv.reserve(std::size_t{total_} * 3 * model_.hidden);
    context_ = workspace_.context.reserve(std::size_t{total_} * model_.hidden);
    sums_ = workspace_.sums.reserve(std::size_t{total_} * model_.hidden);
    if (model_.relative_bias != nullptr) {
      distances_ = workspace_.distances.reserve(std::size_t{model_.heads} * (2 * longest_ - 1));
      if (crew_.rank == 0) relative_distances(model_, longest_, distances_);
    }
    embed(texts);
    for (const Layer& layer : model_.layers) {
      self_attention(layer);
      feed_forward(layer);
    }
  }

 private:
  void embed(std::span<const std::span<const TokenId>> texts) {
    for (std::size_t t = crew_.rank; t < texts.size(); t += crew_.size) {
      std::uint32_t next = model_.position_rule == Positions::kAfterPadding ? model_.pad_id + 1 : 0;
      float* row = x_ + std::size_t{texts_[t].first} * model_.hidden;
      for (const TokenId id : texts[t]) {
        const bool padding = model_.position_rule == Positions::kAfterPadding &&
                             id == static_cast<TokenId>(model_.pad_id);
        const std::uint32_t position = padding ? model_.pad_id : next++;
        const float* word = model_.words + static_cast<std::size_t>(id) * model_.hidden;
        const float* place = model_.positions + std::size_t{position} * model_.hidden;
        for (std::uint32_t i = 0; i < model_.hidden; ++i) row[i] = word[i] + place[i];
        row += model_.hidden;
      }
      normalise(model_.embedding_norm, x_ + std::size_t{texts_[t].first} * model_.hidden,
                x_ + std::size_t{texts_[t].first} * model_.hidden, texts_[t].tokens);
    }
    crew_.wait();
  }

  void self_attention(const Layer& layer) {
    multiply(layer.qkv, x_, total_, qkv_, Epilogue::kNone, nullptr);
    crew_.wait();
    const auto units = static_cast<std::uint32_t>(texts_.size()) * model_.heads;
    const auto [first, last] = crew_.share(units);
    for (std::uint32_t unit = first; unit < last; ++unit) {
      const std::uint32_t head = unit % model_.heads;
      HeadInput input{qkv_, nullptr, context_};
      if (distances_ != nullptr) {
        input.distances = distances_ + std::size_t{head} * (2 * longest_ - 1) + (longest_ - 1);
      }
      attend(model_, kernels_, input, texts_[unit / model_.heads], head,
             workspace_.attention[crew_.rank]);
    }
    crew_.wait();
    multiply(layer.attention_out, context_, total_, sums_, Epilogue::kNone, x_);
    crew_.wait();
    normalise_share(layer.attention_norm, 0, total_);
    crew_.wait();
  }

  void feed_forward(const Layer& layer) {
    const std::uint32_t block = feed_forward_rows(model_.intermediate);
    float* middle = workspace_.middle.reserve(std::size_t{block} * model_.intermediate);
    for (std::uint32_t first = 0; first < total_; first += block) {
      const std::uint32_t rows = std::min(block, total_ - first);
      const std::size_t offset = std::size_t{first} * model_.hidden;
      multiply(layer.ffn_in, x_ + offset, rows, middle, epilogue(model_.activation), nullptr);
      crew_.wait();
      multiply(layer.ffn_out, middle, rows, sums_ + offset, Epilogue::kNone, x_ + offset);
      crew_.wait();
      normalise_share(layer.ffn_norm, first, rows);
      crew_.wait();
    }
  }

  /// This member's share of the output features; `residual` has the rows and the width of `out`.
  void multiply(const Linear& linear, const float* a, std::uint32_t rows, float* out,
                Epilogue epilogue, const float* residual) {
    const auto share = crew_.share(padded(linear.out) / kPanel);
    Product p;
    p.a = a;
    p.a_stride = linear.in;
    p.panels = linear.packed;
    p.rows = rows;
    p.k = linear.in;
    p.columns = linear.out;
    p.first_panel = share.first;
    p.last_panel = share.last;
    p.bias = linear.bias;
    p.residual = residual;
    p.residual_stride = linear.out;
    p.epilogue = epilogue;
    p.out = out;
    p.out_stride = linear.out;
    kernels_.product(p);
  }

  void normalise(const LayerNorm& norm, const float* from, float* to, std::uint32_t rows) {
    kernels_.norm(Norm{from, to, rows, model_.hidden, norm.weight, norm.bias, norm.eps});
  }

  void normalise_share(const LayerNorm& norm, std::uint32_t first, std::uint32_t rows) {
    const auto share = crew_.share(rows);
    const std::size_t offset = (std::size_t{first} + share.first) * model_.hidden;
    normalise(norm, sums_ + offset, x_ + offset, share.last - share.first);
  }

  const Transformer& model_;
  const Kernels& kernels_;
  Workspace& workspace_;
  float* x_;  ///< [total, hidden], the residual stream
  const Crew crew_;
  std::vector<TextRows> texts_;
  std::uint32_t total_ = 0, longest_ = 0;
  float* qkv_ = nullptr;
  float* context_ = nullptr;
  float* sums_ = nullptr;
  float* distances_ = nullptr;
};

}  // namespace

float* Buffer::reserve(std::size_t floats) {
  if (floats > size_) {
    constexpr std::size_t kAlign = 64;
    const std::size_t bytes = (floats * sizeof(float) + kAlign - 1) / kAlign * kAlign;
    data_.reset(static_cast<float*>(std::aligned_alloc(kAlign, bytes)));
    VECMILL_CHECK(data_ != nullptr);
    size_ = floats;
  }
  return data_.get();
}

void Buffer::Free::operator()(float* p) const { std::free(p); }

void prepare(const Transformer& model, std::span<const std::span<const TokenId>> texts,
             std::uint32_t crew_size, Workspace& workspace) {
  std::size_t total = 0, longest = 0;
  for (const auto& ids : texts) {
    total += ids.size();
    longest = std::max(longest, ids.size());
  }
  workspace.qkv.reserve(total * 3 * model.hidden);
  workspace.context.reserve(total * model.hidden);
  workspace.sums.reserve(total * model.hidden);
  workspace.middle.reserve(std::size_t{feed_forward_rows(model.intermediate)} * model.intermediate);
  if (model.relative_bias != nullptr) {
    workspace.distances.reserve(std::size_t{model.heads} * (2 * longest - 1));
  }
  if (workspace.attention.size() < crew_size) workspace.attention.resize(crew_size);
}

void forward(const Transformer& model, const Kernels& kernels,
             std::span<const std::span<const TokenId>> texts, Workspace& workspace, float* hidden,
             const Crew& crew) {
  if (crew.size == 1) prepare(model, texts, 1, workspace);
  Pass(model, kernels, workspace, hidden, crew).run(texts);
}

}  // namespace vecmill::encode
