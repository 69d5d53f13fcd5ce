#include "vecmill/encode/error_feedback.h"

#include <algorithm>

namespace vecmill::encode {
namespace {

/// The sums of one block, the upper triangle.
struct Block {
  std::uint32_t size;
  std::vector<double> values;

  double* row(std::uint32_t i) { return values.data() + std::size_t{i} * size; }
};

/// Damped by as much as there is: the texts are few, and others differ from them.
Block damped_block(const InputStatistics& statistics, std::span<const float> mask,
                   std::uint32_t first) {
  Block block{std::min(kGramBlock, static_cast<std::uint32_t>(mask.size()) - first), {}};
  block.values.resize(std::size_t{block.size} * block.size);
  double trace = 0;
  for (std::uint32_t j = 0; j < block.size; ++j) {
    const float* sums = statistics.gram.data() + std::size_t{first + j} * kGramBlock;
    for (std::uint32_t i = 0; i <= j; ++i) {
      block.row(i)[j] = double{sums[i]} * mask[first + i] * mask[first + j];
    }
    trace += block.row(j)[j];
  }
  const double damping = trace > 0 ? trace / block.size : 1;
  for (std::uint32_t i = 0; i < block.size; ++i) block.row(i)[i] += damping;
  return block;
}

/// The unit upper triangle U of block = U D U^T, in place.
void factorise(Block& block) {
  std::vector<double> column(block.size);
  for (std::uint32_t j = block.size; j-- > 0;) {
    const double pivot = block.row(j)[j];
    for (std::uint32_t i = 0; i < j; ++i) column[i] = block.row(i)[j];
    for (std::uint32_t i = 0; i < j; ++i) {
      double* row = block.row(i);
      const double factor = column[i] / pivot;
      for (std::uint32_t k = i; k < j; ++k) row[k] -= factor * column[k];
      row[j] = factor;
    }
  }
}

}  // namespace

ErrorFeedback::ErrorFeedback(const InputStatistics& statistics, std::span<const float> mask)
    : shares_(mask.size() * kGramBlock) {
  for (std::uint32_t first = 0; first < mask.size(); first += kGramBlock) {
    Block block = damped_block(statistics, mask, first);
    factorise(block);
    std::vector<double> inverse(block.size);  // a row of that of U
    for (std::uint32_t k = 0; k < block.size; ++k) {
      std::ranges::fill(inverse, 0.0);
      inverse[k] = 1;
      for (std::uint32_t i = k; i < block.size; ++i) {
        const double* row = block.row(i);
        const double factor = inverse[i];
        for (std::uint32_t j = i + 1; j < block.size; ++j) inverse[j] -= factor * row[j];
      }
      float* shares = shares_.data() + (std::size_t{first} + k) * kGramBlock;
      for (std::uint32_t j = k + 1; j < block.size; ++j) shares[j] = static_cast<float>(inverse[j]);
    }
  }
}

void ErrorFeedback::spread(float error, std::size_t k, std::span<float> weights) const {
  const std::size_t first = k / kGramBlock * kGramBlock;
  const std::size_t last = std::min(first + kGramBlock, weights.size());
  const float* share = shares_.data() + k * kGramBlock + (k + 1 - first);
  for (float* w = weights.data() + k + 1; w < weights.data() + last; ++w) *w -= error * *share++;
}

}  // namespace vecmill::encode
