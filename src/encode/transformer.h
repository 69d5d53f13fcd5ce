#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vecmill/encode/compact_word.h"

namespace vecmill::encode {

/// The weights as the forward pass sees them: views into a packed file or into memory.

/// A matrix in whole numbers: w[o, k] = bytes * scales[o]; the kept inputs stay in f32.
struct WholeLinear {
  const std::int8_t* bytes = nullptr;   ///< as `quantize_linear` lays them out
  const float* scales = nullptr;        ///< [out], padded to a multiple of 16
  const std::int32_t* sums = nullptr;   ///< the same: of each output's bytes
  const float* mask = nullptr;          ///< [in]: 0 for kept inputs, else 1
  const std::uint32_t* kept = nullptr;  ///< [kept_count] inputs
  const float* kept_weights = nullptr;  ///< [ceil(out / 16)][kept_count][16]
  std::uint32_t kept_count = 0;
};

/// y = x W^T + b. `packed` is laid out by `pack_linear` or `pack_pairs`, 64-byte aligned; null
/// where the matrix is in whole numbers.
struct Linear {
  const float* packed = nullptr;
  const float* bias = nullptr;  ///< [out], padded to a multiple of 16 with zeros
  std::uint32_t in = 0, out = 0;
  WholeLinear whole = {};
  bool pairs = false;  ///< `packed` holds pairs of bf16 in the places of floats

  [[nodiscard]] bool is_there() const { return out > 0; }
};

struct LayerNorm {
  const float* weight = nullptr;  ///< [hidden]
  const float* bias = nullptr;    ///< [hidden]
  float eps = 0;
};

/// One block, post-norm: h = norm(x + attention(x)); out = norm(h + ffn(h)),
/// or pre-norm: h = x + attention(norm(x)); out = h + ffn(norm(h)).
/// ffn(x) = ffn_out(activation(ffn_in(x))), or ffn_out(activation(ffn_in(x)) * ffn_up(x)).
struct Layer {
  Linear qkv;  ///< query, key and value one after the other: out = 3 * hidden
  Linear attention_out, ffn_in, ffn_out;
  LayerNorm attention_norm, ffn_norm;  ///< without weights: none
  Linear ffn_up = {};                  ///< without weights: the network is not gated
  const float* rotary = nullptr;       ///< as `rotary_table` makes it, or null
  std::uint32_t window = 0;            ///< a token sees this far to each side; 0: everything
};

/// The linear maps of a layer, as packed files name them behind "layer.I.".
struct NamedLinear {
  const char* name;
  Linear Layer::*linear;
};
inline constexpr std::array<NamedLinear, 5> kLinears = {{{"qkv", &Layer::qkv},
                                                         {"attention_out", &Layer::attention_out},
                                                         {"ffn_in", &Layer::ffn_in},
                                                         {"ffn_up", &Layer::ffn_up},
                                                         {"ffn_out", &Layer::ffn_out}}};

enum class Activation : std::uint8_t { kGeluErf, kGeluTanh, kRelu, kSilu, kTanh };
[[nodiscard]] std::optional<Activation> parse_activation(std::string_view name);

enum class Positions : std::uint8_t {
  kAbsolute,      ///< 0, 1, 2, ...
  kAfterPadding,  ///< pad_id + 1, ...; a token whose id is pad_id has position pad_id
};

/// Rows of queries, keys and values are so many floats apart: an odd number of cache lines, or
/// those of one head would share a few places of the first-level cache.
[[nodiscard]] constexpr std::size_t qkv_stride(std::uint32_t hidden) {
  constexpr std::size_t kLine = 16;
  return ((std::size_t{3} * hidden + kLine - 1) / kLine | 1) * kLine;
}

/// What the products of the attention multiply; softmax is in f32.
enum class AttentionNumbers : std::uint8_t {
  kFloats,
  kBf16,
  kWords,  ///< 12 to 14 bits of the largest of a head's rows, exact sums
};

/// Those that go with the numbers of a layer's matrices.
[[nodiscard]] constexpr AttentionNumbers attention_numbers(const Layer& layer) {
  if (layer.qkv.pairs) return AttentionNumbers::kBf16;
  return layer.qkv.packed == nullptr ? AttentionNumbers::kWords : AttentionNumbers::kFloats;
}

struct Transformer {
  std::uint32_t hidden = 0, heads = 0, intermediate = 0;
  std::uint32_t vocab = 0, max_positions = 0;
  std::uint32_t pad_id = 0;
  Positions position_rule = Positions::kAbsolute;
  Activation activation = Activation::kGeluErf;
  bool pre_norm = false;
  AttentionNumbers attention_numbers = AttentionNumbers::kFloats;
  std::uint32_t embedding_width = 0;          ///< hidden, unless there is an embedding_project
  const float* words = nullptr;               ///< [vocab, embedding_width]
  const std::uint16_t* words_bf16 = nullptr;  ///< or this, the same in bf16
  const std::byte* words_int8 = nullptr;      ///< or this, rows as in compact_word.h
  /// [max_positions, embedding_width], token type 0 added to each row; null where rotation or a
  /// bias in the attention tells positions apart.
  const float* positions = nullptr;
  LayerNorm embedding_norm;
  Linear embedding_project = {};         ///< without weights: none
  LayerNorm final_norm = {};             ///< behind the last layer of a pre-norm model
  const float* alibi_slopes = nullptr;   ///< [heads] or null
  const float* relative_bias = nullptr;  ///< [relative_buckets, heads] or null
  std::uint32_t relative_buckets = 0;
  std::vector<Layer> layers;

  /// The row of a word as the file holds it.
  [[nodiscard]] std::span<const std::byte> word(std::size_t id) const {
    const std::size_t width = embedding_width;
    if (words != nullptr) return std::as_bytes(std::span(words + id * width, width));
    if (words_bf16 != nullptr) return std::as_bytes(std::span(words_bf16 + id * width, width));
    const std::size_t bytes = compact_word_floats(width) * sizeof(float);
    return {words_int8 + id * bytes, bytes};
  }
};

}  // namespace vecmill::encode
