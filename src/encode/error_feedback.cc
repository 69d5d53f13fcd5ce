#include "vecmill/encode/error_feedback.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace vecmill::encode {
namespace {

/// The sums of one block in its order, the upper triangle.
struct Block {
  std::uint32_t size;
  std::vector<double> values;

  double* row(std::uint32_t i) { return values.data() + std::size_t{i} * size; }
};

/// The strongest first: what is rounded last has nothing left to make up for it.
void sort_block(const InputStatistics& statistics, std::uint32_t first,
                std::span<std::uint32_t> order) {
  std::iota(order.begin(), order.end(), first);
  std::ranges::stable_sort(order, std::greater<>{}, [&](std::uint32_t k) {
    return statistics.gram[std::size_t{k} * kGramBlock + k % kGramBlock];
  });
}

/// Damped, for the texts are few, and others differ from them.
Block damped_block(const InputStatistics& statistics, std::span<const float> mask,
                   std::span<const std::uint32_t> order) {
  constexpr double kDamping = 0.1;  // of the mean square
  Block block{static_cast<std::uint32_t>(order.size()), {}};
  block.values.resize(std::size_t{block.size} * block.size);
  double trace = 0;
  for (std::uint32_t j = 0; j < block.size; ++j) {
    for (std::uint32_t i = 0; i <= j; ++i) {
      const auto [low, high] = std::minmax(order[i], order[j]);
      const float sum = statistics.gram[std::size_t{high} * kGramBlock + low % kGramBlock];
      block.row(i)[j] = double{sum} * mask[low] * mask[high];
    }
    trace += block.row(j)[j];
  }
  const double damping = trace > 0 ? kDamping * trace / block.size : 1;
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
    : order_(mask.size()), shares_(mask.size() * kGramBlock) {
  for (std::uint32_t first = 0; first < mask.size(); first += kGramBlock) {
    const std::size_t size = std::min<std::size_t>(kGramBlock, mask.size() - first);
    const std::span<std::uint32_t> order(order_.data() + first, size);
    sort_block(statistics, first, order);
    Block block = damped_block(statistics, mask, order);
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

void ErrorFeedback::spread(float error, std::size_t n, std::span<float> weights) const {
  const std::size_t first = n / kGramBlock * kGramBlock;
  const std::size_t last = std::min(first + kGramBlock, weights.size());
  const float* share = shares_.data() + n * kGramBlock + (n + 1 - first);
  for (float* w = weights.data() + n + 1; w < weights.data() + last; ++w) *w -= error * *share++;
}

}  // namespace vecmill::encode
