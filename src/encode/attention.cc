#include "vecmill/encode/attention.h"

#include <emmintrin.h>  // in every x86-64 processor

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "vecmill/encode/bf16.h"
#include "vecmill/encode/pack.h"

namespace vecmill::encode {
namespace {

/// out[j * kPanel + i] = in[i * stride + j] for i, j < 4.
void transpose_4x4(const float* in, std::size_t stride, float* out) {
  __m128 rows[4];
  for (std::size_t i = 0; i < 4; ++i) rows[i] = _mm_loadu_ps(in + i * stride);
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (std::size_t j = 0; j < 4; ++j) _mm_storeu_ps(out + j * kPanel, rows[j]);
}

/// Keys as panels of 16, features down: what `product` wants on its right side. Pairs of features
/// are packed like features.
void pack_keys(const float* keys, std::size_t stride, std::uint32_t count, std::uint32_t features,
               float* panels) {
  for (std::uint32_t first = 0; first < count; first += kPanel) {
    const std::uint32_t lanes = std::min(kPanel, count - first);
    if (lanes < kPanel) std::memset(panels, 0, sizeof(float) * kPanel * features);
    for (std::uint32_t lane = 0; lane < lanes;) {
      const float* key = keys + (first + lane) * stride;
      const bool four = lane + 4 <= lanes && features % 4 == 0;
      for (std::uint32_t f = 0; f < features; f += four ? 4 : 1) {
        if (four) {
          transpose_4x4(key + f, stride, panels + std::size_t{f} * kPanel + lane);
        } else {
          panels[f * kPanel + lane] = key[f];
        }
      }
      lane += four ? 4 : 1;
    }
    panels += std::size_t{kPanel} * features;
  }
}

/// Values as panels of 16 features, tokens down.
void pack_values(const float* values, std::size_t stride, std::uint32_t count,
                 std::uint32_t features, float* panels) {
  for (std::uint32_t first = 0; first < features; first += kPanel) {
    const std::uint32_t width = std::min(kPanel, features - first);
    for (std::uint32_t token = 0; token < count; ++token, panels += kPanel) {
      const float* value = values + token * stride + first;
      if (width == kPanel) {
        std::memcpy(panels, value, sizeof(float) * kPanel);
        continue;
      }
      for (std::uint32_t f = 0; f < kPanel; ++f) panels[f] = f < width ? value[f] : 0.0F;
    }
  }
}

constexpr std::uint16_t kZeros[kPanel] = {};

/// One and other of each, eight times.
void interleave_8(const std::uint16_t* one, const std::uint16_t* other, std::uint16_t* out) {
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(one));
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(other));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_unpacklo_epi16(a, b));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 8), _mm_unpackhi_epi16(a, b));
}

/// The same as panels of pairs: two tokens down, of each feature one and the other. Where their
/// number is odd, 0 stands for the last.
void pack_value_pairs(const std::uint16_t* values, std::uint32_t count, std::uint32_t features,
                      std::uint16_t* panels) {
  const std::size_t stride = std::size_t{pairs(features)} * 2;
  for (std::uint32_t first = 0; first < features; first += kPanel) {
    const std::uint32_t width = std::min(kPanel, features - first);
    for (std::uint32_t token = 0; token < count; token += 2, panels += std::size_t{2} * kPanel) {
      const std::uint16_t* one = values + token * stride + first;
      const std::uint16_t* other = token + 1 < count ? one + stride : kZeros;
      if (width == kPanel) {
        for (std::uint32_t f = 0; f < kPanel; f += 8)
          interleave_8(one + f, other + f, panels + std::size_t{2} * f);
        continue;
      }
      for (std::size_t f = 0; f < kPanel; ++f) {
        panels[2 * f] = f < width ? one[f] : std::uint16_t{0};
        panels[2 * f + 1] = f < width ? other[f] : std::uint16_t{0};
      }
    }
  }
}

/// At most so many keys are seen by one block of queries.
std::uint32_t visible_keys(std::uint32_t window) {
  return window == 0 ? std::numeric_limits<std::uint32_t>::max() : kQueryRows + 2 * window;
}

/// Blocks of nearly equal size, but for a window: there the bits depend on where they start.
std::uint32_t query_rows(std::uint32_t tokens, std::uint32_t window) {
  const std::uint32_t blocks = (tokens + kQueryRows - 1) / kQueryRows;
  return window > 0 ? kQueryRows : (tokens + blocks - 1) / blocks;
}

/// The keys that a block of queries can see.
struct KeyRange {
  std::uint32_t first = 0, count = 0;
};

KeyRange visible(std::uint32_t window, std::uint32_t first, std::uint32_t count,
                 std::uint32_t tokens) {
  if (window == 0) return {0, tokens};
  const std::uint32_t from = first - std::min(first, window);
  return {from, std::min(tokens, first + count + window) - from};
}

/// The rows of one head of one text, as products read them: in floats, or in pairs of bf16 or of
/// words that stand in the places of floats.
struct HeadRows {
  const float* queries = nullptr;  ///< [tokens, depth], `stride` apart; so are the others
  const float* keys = nullptr;
  const float* values = nullptr;
  std::size_t stride = 0;
  std::uint32_t depth = 0;
};

class Head {
 public:
  Head(const Kernels& kernels, const HeadInput& input, const TextRows& text, std::uint32_t features,
       Workspace::Attention& scratch)
      : kernels_(kernels), input_(input), text_(text), features_(features), scratch_(scratch) {}

  void run(const Transformer& model, std::uint32_t head) {
    numbers_ = model.attention_numbers;
    hidden_ = model.hidden;
    context_ = input_.context + std::size_t{text_.first} * hidden_ + std::size_t{head} * features_;
    reserve();
    const std::size_t stride = qkv_stride(hidden_);
    const float* queries = input_.qkv + text_.first * stride + std::size_t{head} * features_;
    rows_ = {queries, queries + hidden_, queries + 2 * std::size_t{hidden_}, stride, features_};
    if (are_pairs()) round_rows();
    const std::uint32_t block = query_rows(text_.tokens, input_.window);
    for (std::uint32_t first = 0; first < text_.tokens; first += block) {
      const std::uint32_t count = std::min(block, text_.tokens - first);
      const KeyRange range = visible(input_.window, first, count, text_.tokens);
      if (first == 0 || input_.window > 0) pack(range);
      score(first, count, range);
      mix(first, count, range);
    }
  }

 private:
  [[nodiscard]] bool are_pairs() const { return numbers_ != AttentionNumbers::kFloats; }
  static std::int16_t* words_in(float* places) { return reinterpret_cast<std::int16_t*>(places); }

  void reserve() {
    const std::uint32_t most = std::min(text_.tokens, visible_keys(input_.window));
    keys_ = scratch_.keys.reserve(std::size_t{padded(most)} * features_);
    values_ = scratch_.values.reserve(std::size_t{most + 1} * padded(features_));
    scores_ = scratch_.scores.reserve(std::size_t{kQueryRows} * padded(most));
    inverse_sums_ = scratch_.inverse_sums.reserve(kQueryRows);
    if (are_pairs())
      rounded_scores_ = scratch_.rounded_scores.reserve(std::size_t{kQueryRows} * padded(most) / 2);
  }

  void round_rows() {
    const std::uint32_t depth = pairs(features_);
    const std::size_t floats = std::size_t{text_.tokens} * depth;
    float* rounded = scratch_.rounded.reserve(3 * floats);
    if (numbers_ == AttentionNumbers::kWords) {
      const std::int32_t most = most_word(features_);
      const float query = words(rows_.queries, rounded, most);
      score_unit_ = query * words(rows_.keys, rounded + floats, most);
      value_unit_ = words(rows_.values, rounded + 2 * floats, most_word(text_.tokens));
    }
    for (const float** rows : {&rows_.queries, &rows_.keys, &rows_.values}) {
      if (numbers_ == AttentionNumbers::kBf16) {
        kernels_.round({*rows, text_.tokens, features_, halves(rounded), rows_.stride});
      }
      *rows = std::exchange(rounded, rounded + floats);
    }
    rows_.stride = rows_.depth = depth;
  }

  float words(const float* rows, float* out, std::int32_t most) {
    return kernels_.words({rows, text_.tokens, features_, rows_.stride, words_in(out), most});
  }

  void pack(const KeyRange& range) {
    const std::size_t at = range.first * rows_.stride;
    pack_keys(rows_.keys + at, rows_.stride, range.count, rows_.depth, keys_);
    if (are_pairs()) {
      pack_value_pairs(halves(rows_.values + at), range.count, features_, halves(values_));
    } else {
      pack_values(rows_.values + at, rows_.stride, range.count, features_, values_);
    }
  }

  void score(std::uint32_t first, std::uint32_t count, const KeyRange& range) {
    const std::uint32_t columns = padded(range.count);
    Product score;
    score.a = rows_.queries + first * rows_.stride;
    score.a_stride = rows_.stride;
    score.panels = keys_;
    score.pairs = numbers_ == AttentionNumbers::kBf16;
    score.words = numbers_ == AttentionNumbers::kWords;
    score.rows = count;
    score.k = rows_.depth;
    score.columns = columns;
    score.last_panel = columns / kPanel;
    score.out = scores_;
    score.out_stride = columns;
    kernels_.product(score);

    Softmax softmax;
    softmax.scores = scores_;
    softmax.rows = count;
    softmax.keys = range.count;
    softmax.scale = score_unit_ / std::sqrt(static_cast<float>(features_));
    if (input_.distances != nullptr) {
      softmax.bias = input_.distances + (std::ptrdiff_t{range.first} - std::ptrdiff_t{first});
    }
    softmax.inverse_sums = inverse_sums_;
    softmax.unit = value_unit_;
    if (score.words) softmax.words = words_in(rounded_scores_);
    kernels_.softmax(softmax);
    if (score.pairs) kernels_.round({scores_, count, columns, halves(rounded_scores_)});
  }

  void mix(std::uint32_t first, std::uint32_t count, const KeyRange& range) {
    Product mix;
    mix.a = are_pairs() ? rounded_scores_ : scores_;
    mix.a_stride = are_pairs() ? padded(range.count) / 2 : padded(range.count);
    mix.panels = values_;
    mix.pairs = numbers_ == AttentionNumbers::kBf16;
    mix.words = numbers_ == AttentionNumbers::kWords;
    mix.rows = count;
    mix.k = are_pairs() ? pairs(range.count) : range.count;
    mix.columns = features_;
    mix.last_panel = padded(features_) / kPanel;
    mix.scale = inverse_sums_;
    mix.out = context_ + std::size_t{first} * hidden_;
    mix.out_stride = hidden_;
    kernels_.product(mix);
  }

  const Kernels& kernels_;
  const HeadInput& input_;
  const TextRows text_;
  const std::uint32_t features_;
  Workspace::Attention& scratch_;
  AttentionNumbers numbers_ = AttentionNumbers::kFloats;
  float score_unit_ = 1, value_unit_ = 1;  ///< what words of 1 stand for
  std::uint32_t hidden_ = 0;
  HeadRows rows_;
  float *keys_ = nullptr, *values_ = nullptr;  ///< packed
  float* scores_ = nullptr;
  float* rounded_scores_ = nullptr;
  float* inverse_sums_ = nullptr;
  float* context_ = nullptr;
};

}  // namespace

void attend(const Transformer& model, const Kernels& kernels, const HeadInput& input,
            const TextRows& rows, std::uint32_t head, Workspace::Attention& scratch) {
  Head(kernels, input, rows, model.hidden / model.heads, scratch).run(model, head);
}

}  // namespace vecmill::encode
