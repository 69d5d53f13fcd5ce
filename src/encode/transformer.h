#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace vecmill::encode {

/// The weights as the forward pass sees them: views into a packed file or into memory.

/// y = x W^T + b. `packed` is laid out by `pack_linear`, 64-byte aligned.
struct Linear {
  const float* packed = nullptr;
  const float* bias = nullptr;  ///< [out], padded to a multiple of 16 with zeros
  std::uint32_t in = 0, out = 0;
};

struct LayerNorm {
  const float* weight = nullptr;  ///< [hidden]
  const float* bias = nullptr;    ///< [hidden]
  float eps = 0;
};

/// One post-norm block: h = norm(x + attention(x)); out = norm(h + ffn(h)).
struct Layer {
  Linear qkv;  ///< query, key and value one after the other: out = 3 * hidden
  Linear attention_out, ffn_in, ffn_out;
  LayerNorm attention_norm, ffn_norm;
};

enum class Activation : std::uint8_t { kGeluErf, kGeluTanh, kRelu, kSilu, kTanh };
[[nodiscard]] std::optional<Activation> parse_activation(std::string_view name);

enum class Positions : std::uint8_t {
  kAbsolute,      ///< 0, 1, 2, ...
  kAfterPadding,  ///< pad_id + 1, ...; a token whose id is pad_id has position pad_id
};

struct Transformer {
  std::uint32_t hidden = 0, heads = 0, intermediate = 0;
  std::uint32_t vocab = 0, max_positions = 0;
  std::uint32_t pad_id = 0;
  Positions position_rule = Positions::kAbsolute;
  Activation activation = Activation::kGeluErf;
  const float* words = nullptr;      ///< [vocab, hidden]
  const float* positions = nullptr;  ///< [max_positions, hidden], token type 0 added to each row
  LayerNorm embedding_norm;
  const float* relative_bias = nullptr;  ///< [relative_buckets, heads] or null
  std::uint32_t relative_buckets = 0;
  std::vector<Layer> layers;
};

}  // namespace vecmill::encode
