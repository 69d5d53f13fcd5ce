#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vecmill/encode/isa.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::encode {

/// What happens to a sum on its way out of a product, in this order.
enum class Epilogue : std::uint8_t {
  kNone,
  kGeluErf,
  kGeluErfNear,  ///< off by 6e-5 of the sum at most: for what becomes bytes
  kGeluTanh,
  kRelu,
  kSilu,
  kTanh,
};
/// Of a product of bytes or of floats.
[[nodiscard]] Epilogue epilogue(Activation activation, bool of_bytes);

/// The left side of a product in whole numbers: a[r, k] = (bytes[r, k] - zeros[r]) * scales[r]; the
/// kept inputs, whose weights in bytes are 0, are added in f32. The whole sums of bytes and weights
/// are exact on every instruction set; the zeros are taken off as floats.
struct Quantized {
  const WholeLinear* weights = nullptr;
  const std::uint8_t* bytes = nullptr;  ///< [rows, quads(k) * 4]
  const float* zeros = nullptr;         ///< [rows], whole
  const float* scales = nullptr;        ///< [rows]
  const float* kept = nullptr;          ///< [rows, kept_count]
};

/// out[r, c] = epilogue(sum over k of a[r, k] * panels[c, k] + bias[c]) * scale[r] + residual[r, c]
/// for the columns of the panels [first_panel, last_panel). Each sum is one chain of fused
/// multiply-adds in the order of k, so its bits do not depend on how the work is cut.
struct Product {
  const float* a = nullptr;  ///< [rows, k], rows `a_stride` apart
  std::size_t a_stride = 0;
  const float* panels = nullptr;         ///< as `pack_linear` lays them out
  const Quantized* quantized = nullptr;  ///< instead of `a` and `panels`, or null
  /// `a` and `panels` hold pairs of bf16 in the places of floats, and `k` and `a_stride` count
  /// pairs; of each pair the second product is added before the first, and what is too small to be
  /// a normal number is 0. AMX adds the products of 32 inputs apart, the first of the pairs and the
  /// second each in a chain.
  bool pairs = false;
  /// They hold pairs of words (s16, below `most_word`) instead: whole sums of `kWordBlock` pairs or
  /// a little fewer, which become floats and are added.
  bool words = false;
  std::uint32_t rows = 0, k = 0;
  std::uint32_t columns = 0;  ///< that exist; the last panel may stand out beyond them
  std::uint32_t first_panel = 0, last_panel = 0;
  const float* bias = nullptr;   ///< [padded(columns)] or null
  const float* scale = nullptr;  ///< [rows] or null
  const float* residual = nullptr;
  std::size_t residual_stride = 0;
  Epilogue epilogue = Epilogue::kNone;
  float* out = nullptr;  ///< [rows, columns], rows `out_stride` apart
  std::size_t out_stride = 0;
};

/// At most so many pairs of words are added up in whole numbers, on every instruction set.
inline constexpr std::uint32_t kWordBlock = 64;

/// The largest magnitude with which sums of `count` products of words are exact.
[[nodiscard]] std::int32_t most_word(std::uint32_t count);

/// Rows of attention scores that become probabilities, in place or as words.
struct Softmax {
  float* scores = nullptr;  ///< [rows, padded(keys)]; columns past `keys` become 0
  std::uint32_t rows = 0, keys = 0;
  float scale = 1;
  const float* bias = nullptr;    ///< of row 0, [keys]; the row below starts one float earlier
  float* inverse_sums = nullptr;  ///< [rows]: unit / the sum of a row, which is left unnormalised
  float unit = 1;
  std::int16_t* words = nullptr;  ///< [rows, padded(keys)]: where they go, times 2^11.99; or null
};

struct Norm {
  const float* x = nullptr;  ///< [rows, width]
  float* out = nullptr;      ///< [rows, width]; may be `x`
  std::uint32_t rows = 0, width = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 0;
};

/// Rows to bytes: round(x / scale) + zero, where the row's range, 0 always in it and the kept
/// inputs not, takes 255 values.
struct Quantize {
  const float* x = nullptr;  ///< [rows, width]
  std::uint32_t rows = 0, width = 0;
  const WholeLinear* weights = nullptr;
  std::uint8_t* bytes = nullptr;  ///< as in `Quantized`
  float* zeros = nullptr;
  float* scales = nullptr;
  float* kept = nullptr;
};

/// Rows to bf16 (`to_bf16`), in pairs.
struct Round {
  const float* x = nullptr;  ///< [rows, width]
  std::uint32_t rows = 0, width = 0;
  std::uint16_t* halves = nullptr;  ///< [rows, pairs(width) * 2]
  std::size_t stride = 0;           ///< rows of `x` are so far apart; 0: width
};

/// Rows to words: the largest magnitude of all becomes `most`. In pairs, as `Round`.
struct Words {
  const float* x = nullptr;  ///< [rows, width], rows `stride` apart
  std::uint32_t rows = 0, width = 0;
  std::size_t stride = 0;
  std::int16_t* words = nullptr;  ///< [rows, pairs(width) * 2]
  std::int32_t most = 0;
};

/// The work of the forward pass in one instruction set. Every entry gives the same bits in each,
/// but for products of pairs with AMX.
struct Kernels {
  void (*product)(const Product&);
  void (*softmax)(const Softmax&);
  void (*norm)(const Norm&);
  void (*quantize)(const Quantize&);
  float (*words)(const Words&);  ///< what a word of 1 stands for
  /// y[i] = epilogue(x[i]), for tests and for what stands behind the pooling.
  void (*apply)(Epilogue, const float* x, float* y, std::size_t count);
  void (*exp)(const float* x, float* y, std::size_t count);
  /// Nothing but fused multiply-adds in registers, as fast as they go; how many multiplications and
  /// additions they were.
  std::uint64_t (*multiply_adds)(std::uint32_t steps);
  std::uint64_t (*byte_multiply_adds)(std::uint32_t steps);            ///< of bytes with bytes
  std::uint64_t (*pair_multiply_adds)(std::uint32_t steps) = nullptr;  ///< of bf16
  void (*round)(const Round&) = nullptr;
};

/// What a set has of its own for pairs of bf16.
struct PairKernels {
  void (*product)(const Product&);
  void (*round)(const Round&);
  std::uint64_t (*multiply_adds)(std::uint32_t steps);
};

/// What a set has of its own for whole numbers, bytes and words.
struct WholeKernels {
  void (*product)(const Product&);
  std::uint64_t (*byte_multiply_adds)(std::uint32_t steps);
};

[[nodiscard]] const Kernels& kernels(Isa isa);

namespace portable {
extern const Kernels kKernels;
extern const PairKernels kPairs;
}  // namespace portable
namespace avx2 {
extern const Kernels kKernels;
extern const PairKernels kPairs;
}  // namespace avx2
namespace avx512 {
extern const Kernels kKernels;
extern const PairKernels kPairs;
}  // namespace avx512
// Whole numbers or pairs alone; everything else is that of the set that these belong to.
namespace avx512_bf16 {
extern const PairKernels kPairs;
}
namespace avx2_vnni {
extern const WholeKernels kWhole;
}
namespace avx512_vnni {
extern const WholeKernels kWhole;
}
namespace amx {
extern const WholeKernels kWhole;
extern const PairKernels kPairs;
}  // namespace amx

}  // namespace vecmill::encode
