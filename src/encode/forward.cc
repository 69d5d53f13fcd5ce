#include "vecmill/encode/forward.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "vecmill/base/check.h"
#include "vecmill/encode/attention.h"
#include "vecmill/encode/bf16.h"
#include "vecmill/encode/distance_bias.h"
#include "vecmill/encode/linear_product.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/rotary.h"

namespace vecmill::encode {
namespace {

/// So many rows go through the feed-forward network at a time that what stands between its two
/// products stays in the second-level cache; half more where another block would have fewer.
std::uint32_t feed_forward_rows(std::uint32_t intermediate) {
  constexpr std::uint32_t kCacheFloats = 72 * 1024;
  return std::clamp(kCacheFloats / intermediate / 12 * 12, 12U, 96U);
}

/// Texts that go through a layer together, so that what passes between its steps stays in a cache.
struct Group {
  std::uint32_t first_row = 0, rows = 0;
  std::vector<TextRows> texts;  ///< their rows within the group
};

std::size_t weight_bytes(const Layer& layer) {
  std::size_t bytes = 0;
  for (const auto& [name, member] : kLinears) {
    const Linear& l = layer.*member;
    const std::size_t of_floats = l.pairs ? sizeof(std::uint16_t) : sizeof(float);
    bytes += std::size_t{l.in} * l.out * (l.packed == nullptr ? 1 : of_floats);
  }
  return bytes;
}

/// Not fewer where a layer's weights, which pass by for each group, are many.
std::size_t usual_rows(const Transformer& model) {
  constexpr std::size_t kRows = 128, kWeightBytesPerRow = 65536;
  return model.layers.empty()
             ? kRows
             : std::max(kRows, weight_bytes(model.layers.front()) / kWeightBytesPerRow);
}

/// Groups of about as many rows each.
std::vector<Group> groups_of(const Transformer& model,
                             std::span<const std::span<const TokenId>> texts) {
  const std::size_t usual = usual_rows(model);
  std::size_t all = 0;
  for (const auto& ids : texts) all += ids.size();
  const std::size_t count = std::max<std::size_t>(1, (all + usual / 2) / usual);
  std::vector<Group> groups;
  std::uint32_t total = 0;
  for (const auto& ids : texts) {
    if (total * count >= all * groups.size()) groups.push_back({total, 0, {}});
    Group& group = groups.back();
    const auto tokens = static_cast<std::uint32_t>(ids.size());
    group.texts.push_back({group.rows, tokens});
    group.rows += tokens;
    total += tokens;
  }
  return groups;
}

bool has_distances(const Transformer& model) {
  return model.relative_bias != nullptr || model.alibi_slopes != nullptr;
}

/// Of all layers that have one; they share it.
std::uint32_t window(const Transformer& model) {
  for (const Layer& layer : model.layers) {
    if (layer.window > 0) return layer.window;
  }
  return 0;
}

void copy_word(const Transformer& model, TokenId id, float* row) {
  const std::size_t width = model.embedding_width, at = static_cast<std::size_t>(id) * width;
  if (model.words != nullptr) {
    std::copy_n(model.words + at, width, row);
  } else if (model.words_bf16 != nullptr) {
    std::transform(model.words_bf16 + at, model.words_bf16 + at + width, row, from_bf16);
  } else {
    const auto word = model.word(static_cast<std::size_t>(id));
    read_compact_word(word.data(), {row, width});
  }
}

/// The forward pass of one crew member.
class Pass {
 public:
  Pass(const Transformer& model, const Kernels& kernels, Workspace& workspace, float* hidden,
       const Crew& crew)
      : model_(model), kernels_(kernels), workspace_(workspace), x_(hidden), crew_(crew) {}

  void run(std::span<const std::span<const TokenId>> texts) {
    groups_ = groups_of(model_, texts);
    for (const auto& ids : texts) {
      longest_ = std::max(longest_, static_cast<std::uint32_t>(ids.size()));
    }
    // `prepare` has made room.
    qkv_ = workspace_.qkv.reserve(0);
    context_ = workspace_.context.reserve(0);
    sums_ = workspace_.sums.reserve(0);
    fill_tables();
    embed(texts);
    for (const Layer& layer : model_.layers) {
      for (const Group& group : groups_) {
        float* x = x_ + std::size_t{group.first_row} * model_.hidden;
        self_attention(layer, group, x);
        feed_forward(layer, group.rows, x);
      }
    }
    if (model_.pre_norm) {
      normalise_share(model_.final_norm, x_, x_, total_);
      crew_.wait();
    }
  }

 private:
  void fill_tables() {
    const std::size_t row = 2 * std::size_t{longest_} - 1;
    if (has_distances(model_)) {
      distances_ = workspace_.distances.reserve(model_.heads * row);
      if (crew_.rank == 0) fill_distances(model_, longest_, distances_);
    }
    if (const std::uint32_t reach = window(model_); reach > 0) {
      window_ = workspace_.window.reserve(row);
      if (crew_.rank == 0) fill_window(reach, longest_, window_);
    }
  }

  void embed(std::span<const std::span<const TokenId>> texts) {
    const std::uint32_t width = model_.embedding_width;
    const bool project = model_.embedding_project.is_there();
    float* const all = project ? context_ : x_;
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto tokens = static_cast<std::uint32_t>(texts[t].size());
      float* rows = all + std::size_t{total_} * width;
      total_ += tokens;
      if (t % crew_.size != crew_.rank) continue;
      embed_text(texts[t], rows);
      const LayerNorm& norm = model_.embedding_norm;
      kernels_.norm(Norm{rows, rows, tokens, width, norm.weight, norm.bias, norm.eps});
    }
    crew_.wait();
    if (!project) return;
    multiply(model_.embedding_project, all, total_, {x_}, Epilogue::kNone);
    crew_.wait();
  }

  void embed_text(std::span<const TokenId> ids, float* row) {
    const std::uint32_t width = model_.embedding_width;
    std::uint32_t next = model_.position_rule == Positions::kAfterPadding ? model_.pad_id + 1 : 0;
    for (const TokenId id : ids) {
      const bool padding = model_.position_rule == Positions::kAfterPadding &&
                           id == static_cast<TokenId>(model_.pad_id);
      const std::uint32_t position = padding ? model_.pad_id : next++;
      copy_word(model_, id, row);
      if (model_.positions != nullptr) {
        const float* place = model_.positions + std::size_t{position} * width;
        for (std::uint32_t i = 0; i < width; ++i) row[i] += place[i];
      }
      row += width;
    }
  }

  /// What a block of layers reads: the residual stream, in a pre-norm model normalised.
  const float* block_input(const LayerNorm& norm, const float* x, std::uint32_t rows) {
    if (!model_.pre_norm || norm.weight == nullptr) return x;
    normalise_share(norm, x, sums_, rows);
    crew_.wait();
    return sums_;
  }

  /// x = norm(x + linear(a)) or, pre-norm, x = x + linear(a).
  void add(const Linear& linear, const LayerNorm& norm, const float* a, std::uint32_t rows,
           float* x) {
    float* to = model_.pre_norm ? x : sums_;
    multiply(linear, a, rows, {to, 0, x}, Epilogue::kNone);
    crew_.wait();
    if (model_.pre_norm) return;
    normalise_share(norm, sums_, x, rows);
    crew_.wait();
  }

  void self_attention(const Layer& layer, const Group& group, float* x) {
    const float* input = block_input(layer.attention_norm, x, group.rows);
    multiply(layer.qkv, input, group.rows, {qkv_, qkv_stride(model_.hidden)}, Epilogue::kNone);
    crew_.wait();
    const auto units = static_cast<std::uint32_t>(group.texts.size()) * model_.heads;
    const auto [first, last] = crew_.share(units);
    for (std::uint32_t unit = first; unit < last; ++unit) {
      attend_unit(layer, group.texts[unit / model_.heads], unit % model_.heads);
    }
    crew_.wait();
    add(layer.attention_out, layer.attention_norm, context_, group.rows, x);
  }

  void attend_unit(const Layer& layer, const TextRows& text, std::uint32_t head) {
    const std::uint32_t features = model_.hidden / model_.heads;
    const std::size_t stride = qkv_stride(model_.hidden);
    if (layer.rotary != nullptr) {
      float* queries = qkv_ + text.first * stride + std::size_t{head} * features;
      rotate(layer.rotary, queries, stride, text.tokens, features);
      rotate(layer.rotary, queries + model_.hidden, stride, text.tokens, features);
    }
    HeadInput input{qkv_, nullptr, layer.window, context_};
    if (layer.window > 0) {
      input.distances = window_ + (longest_ - 1);
    } else if (distances_ != nullptr) {
      const std::size_t row = 2 * std::size_t{longest_} - 1;
      input.distances = distances_ + head * row + (longest_ - 1);
    }
    attend(model_, kernels_, input, text, head, workspace_.attention[crew_.rank]);
  }

  void feed_forward(const Layer& layer, std::uint32_t rows, float* x) {
    const float* input = block_input(layer.ffn_norm, x, rows);
    const std::uint32_t usual = feed_forward_rows(model_.intermediate);
    float* middle = workspace_.middle.reserve(0);
    const std::uint32_t blocks = std::max(1U, (rows + usual / 2) / usual);
    for (std::uint32_t b = 0; b < blocks; ++b) {
      const std::uint32_t first = rows * b / blocks;
      const std::uint32_t count = rows * (b + 1) / blocks - first;
      const std::size_t offset = std::size_t{first} * model_.hidden;
      multiply(layer.ffn_in, input + offset, count, {middle},
               epilogue(model_.activation, layer.ffn_in.packed == nullptr));
      if (layer.ffn_up.is_there()) gate(layer.ffn_up, input + offset, count, middle);
      crew_.wait();
      add(layer.ffn_out, layer.ffn_norm, middle, count, x + offset);
    }
  }

  /// middle *= linear(a), for the features that this member has made in `middle`.
  void gate(const Linear& linear, const float* a, std::uint32_t rows, float* middle) {
    float* up = workspace_.up.reserve(std::size_t{rows} * linear.out);
    multiply(linear, a, rows, {up}, Epilogue::kNone);
    const auto share = crew_.share(padded(linear.out) / kPanel);
    const std::uint32_t last = std::min(share.last * kPanel, linear.out);
    for (std::uint32_t row = 0; row < rows; ++row) {
      const std::size_t at = std::size_t{row} * linear.out;
      for (std::uint32_t i = share.first * kPanel; i < last; ++i) middle[at + i] *= up[at + i];
    }
  }

  /// Where a product goes.
  struct Out {
    float* rows = nullptr;
    std::size_t stride = 0;           ///< 0: as many as there are outputs
    const float* residual = nullptr;  ///< [rows, outputs]
  };

  void observe(const Linear& linear, const float* a, std::uint32_t rows) {
    const auto seen = workspace_.statistics->find(&linear);
    if (seen != workspace_.statistics->end()) seen->second.add(a, rows, linear.in, crew_);
  }

  /// This member's share of the output features.
  void multiply(const Linear& linear, const float* a, std::uint32_t rows, const Out& out,
                Epilogue epilogue) {
    if (workspace_.statistics != nullptr) observe(linear, a, rows);
    Product p = linear_product(linear, a, rows, out.rows, crew_);
    if (out.stride > 0) p.out_stride = out.stride;
    // Every member makes its own copy of the rows: that is cheaper than to wait for one another.
    Workspace::Bytes& mine = workspace_.bytes[crew_.rank];
    Quantized quantized;
    if (linear.pairs) p.a = rounded_rows(kernels_, linear, a, rows, mine);
    if (linear.packed == nullptr) {
      quantized = quantized_rows(kernels_, linear, a, rows, mine);
      p.quantized = &quantized;
    }
    p.residual = out.residual;
    p.residual_stride = linear.out;
    p.epilogue = epilogue;
    kernels_.product(p);
  }

  void normalise_share(const LayerNorm& norm, const float* from, float* to, std::uint32_t rows) {
    const auto share = crew_.share(rows);
    const std::size_t offset = std::size_t{share.first} * model_.hidden;
    kernels_.norm(Norm{from + offset, to + offset, share.last - share.first, model_.hidden,
                       norm.weight, norm.bias, norm.eps});
  }

  const Transformer& model_;
  const Kernels& kernels_;
  Workspace& workspace_;
  float* x_;  ///< [total, hidden], the residual stream
  const Crew crew_;
  std::vector<Group> groups_;
  std::uint32_t total_ = 0, longest_ = 0;
  float* qkv_ = nullptr;        ///< of a group
  float* context_ = nullptr;    ///< of a group; before the layers of the batch
  float* sums_ = nullptr;       ///< of a group
  float* distances_ = nullptr;  ///< [heads, 2 * longest - 1]
  float* window_ = nullptr;     ///< [2 * longest - 1]
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

namespace {

/// In floats.
struct Needs {
  std::size_t qkv, context, sums, middle, up, distances, window;
};

Needs needs_of(const Transformer& model, std::size_t total, std::size_t longest,
               std::size_t group_rows) {
  Needs needs{};
  needs.qkv = group_rows * qkv_stride(model.hidden);
  const bool project = model.embedding_project.is_there();
  needs.context = std::max(group_rows * model.hidden, project ? total * model.embedding_width : 0);
  needs.sums = group_rows * model.hidden;
  needs.middle = std::size_t{feed_forward_rows(model.intermediate)} * 3 / 2 * model.intermediate;
  if (model.layers.front().ffn_up.is_there()) needs.up = needs.middle;
  if (has_distances(model)) needs.distances = model.heads * (2 * longest - 1);
  if (window(model) > 0) needs.window = 2 * longest - 1;
  return needs;
}

}  // namespace

std::uint64_t work_bytes(const Transformer& model, std::size_t total, std::size_t longest,
                         std::uint32_t crew_size) {
  if (model.layers.empty() || total == 0) return 0;
  const Needs needs = needs_of(model, total, longest, total);
  const std::size_t all = needs.qkv + needs.context + needs.sums + needs.middle + needs.up +
                          needs.distances + needs.window;
  // Keys, values and a block of scores, in bf16 once more; and rows on their way into a product.
  const std::size_t features = model.hidden / model.heads;
  const std::size_t attention = (longest + kPanel) * (4 * features + 2 * std::size_t{kQueryRows});
  const std::size_t rows = total * model.hidden / 2 + needs.middle / 2;
  return sizeof(float) * (all + crew_size * (attention + rows));
}

void prepare(const Transformer& model, std::span<const std::span<const TokenId>> texts,
             std::uint32_t crew_size, Workspace& workspace) {
  std::size_t total = 0, longest = 0, group_rows = 0;
  for (const auto& ids : texts) {
    total += ids.size();
    longest = std::max(longest, ids.size());
  }
  for (const Group& group : groups_of(model, texts)) {
    group_rows = std::max<std::size_t>(group_rows, group.rows);
  }
  const Needs needs = needs_of(model, total, longest, group_rows);
  workspace.qkv.reserve(needs.qkv);
  workspace.context.reserve(needs.context);
  workspace.sums.reserve(needs.sums);
  workspace.middle.reserve(needs.middle);
  if (needs.up > 0) workspace.up.reserve(needs.up);
  if (needs.distances > 0) workspace.distances.reserve(needs.distances);
  if (needs.window > 0) workspace.window.reserve(needs.window);
  if (workspace.attention.size() < crew_size) workspace.attention.resize(crew_size);
  if (workspace.bytes.size() < crew_size) workspace.bytes.resize(crew_size);
}

void forward(const Transformer& model, const Kernels& kernels,
             std::span<const std::span<const TokenId>> texts, Workspace& workspace, float* hidden,
             const Crew& crew) {
  if (crew.size == 1) prepare(model, texts, 1, workspace);
  Pass(model, kernels, workspace, hidden, crew).run(texts);
}

}  // namespace vecmill::encode
