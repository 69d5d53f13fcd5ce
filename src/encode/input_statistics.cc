#include "vecmill/encode/input_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vecmill::encode {

namespace {

constexpr std::uint32_t kRows = 16;  // so many stay in the nearest cache, one block of them

struct RowsOfBlock {
  float values[kRows][kGramBlock];

  /// sums[j] += the product of input i and input j for each j up to i, one row after the other.
  void add_products(std::size_t i, float* sums) const {
    constexpr std::size_t kAtOnce = 4;
    for (std::size_t first = 0; first < kRows; first += kAtOnce) {
      const float(*rows)[kGramBlock] = values + first;
      for (std::size_t j = 0; j <= i; ++j) {
        float sum = sums[j];
        for (std::size_t r = 0; r < kAtOnce; ++r) sum += rows[r][i] * rows[r][j];
        sums[j] = sum;
      }
    }
  }

  [[nodiscard]] float most(std::size_t i) const {
    float most = 0;
    for (const auto& row : values) most = std::max(most, std::abs(row[i]));
    return most;
  }
};

}  // namespace

void InputStatistics::add(const float* rows, std::uint32_t count, std::uint32_t in,
                          const Crew& crew) {
  most.resize(in);
  gram.resize(std::size_t{in} * kGramBlock);
  for (std::uint32_t block = 0; block < in; block += kGramBlock) {
    const std::uint32_t size = std::min(kGramBlock, in - block);
    for (std::uint32_t first = 0; first < count; first += kRows) {
      RowsOfBlock near{};
      for (std::uint32_t r = first; r < std::min(first + kRows, count); ++r) {
        std::copy_n(rows + std::size_t{r} * in + block, size, near.values[r - first]);
      }
      for (std::uint32_t i = crew.rank; i < size; i += crew.size) {
        near.add_products(i, gram.data() + std::size_t{block + i} * kGramBlock);
        most[block + i] = std::max(most[block + i], near.most(i));
      }
    }
  }
}

std::vector<std::uint32_t> InputStatistics::outliers(std::uint32_t count) const {
  std::vector<std::uint32_t> order(most.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [this](auto a, auto b) { return most[a] > most[b]; });
  const float limit = 2 * most[order[order.size() / 2]];
  const auto above = std::ranges::count_if(most, [&](float size) { return size > limit; });
  order.resize(std::min<std::size_t>(count, static_cast<std::size_t>(above)));
  std::ranges::sort(order);
  return order;
}

}  // namespace vecmill::encode
