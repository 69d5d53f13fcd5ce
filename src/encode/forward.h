#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vecmill/encode/input_statistics.h"
#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/team.h"
#include "vecmill/encode/transformer.h"
#include "vecmill/tokens.h"

namespace vecmill::encode {

/// Memory for one batch, grown as needed and kept: nothing is allocated once the largest was seen.
class Buffer {
 public:
  /// At least `floats` of them, 64-byte aligned; what was there before may be lost.
  float* reserve(std::size_t floats);

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float[], Free> data_;
  std::size_t size_ = 0;
};

class Workspace {
 public:
  /// What one thread needs for one head of one text at a time.
  struct Attention {
    Buffer keys, values, scores, inverse_sums;
    Buffer rounded, rounded_scores;  ///< where products are of pairs
  };

  Buffer qkv, context, sums, middle, up, distances, window;
  std::vector<Attention> attention;  ///< one per member of the crew

  /// The rows that a product in whole numbers or in bf16 reads.
  struct Bytes {
    Buffer rows, zeros, scales, kept;
  };
  std::vector<Bytes> bytes;  ///< one per member of the crew

  StatisticsByLinear* statistics = nullptr;  ///< of the inputs of those products that are in it
};

/// Runs the transformer over a batch of texts that lie one behind the other, without padding.
///   texts   ids inside the vocabulary, none empty, none longer than there are positions
///   hidden  [tokens of all texts, hidden]: the last layer's output
/// Every member of a crew calls it with the same arguments; alone, the crew is the default.
/// The rows of a text depend on its ids only.
void forward(const Transformer& model, const Kernels& kernels,
             std::span<const std::span<const TokenId>> texts, Workspace& workspace, float* hidden,
             const Crew& crew = {});

/// What `workspace` holds at most after texts of `total` tokens together, the longest of `longest`.
[[nodiscard]] std::uint64_t work_bytes(const Transformer& model, std::size_t total,
                                       std::size_t longest, std::uint32_t crew_size);

/// Grows `workspace` for this batch. Call it before the crew starts.
void prepare(const Transformer& model, std::span<const std::span<const TokenId>> texts,
             std::uint32_t crew_size, Workspace& workspace);

}  // namespace vecmill::encode
