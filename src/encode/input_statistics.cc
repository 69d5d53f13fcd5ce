#include "vecmill/encode/input_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vecmill::encode {

void InputStatistics::add(const float* rows, std::uint32_t count, std::uint32_t in) {
  most.resize(in);
  gram.resize(std::size_t{in} * kGramBlock);
  for (const float* row = rows; row != rows + std::size_t{count} * in; row += in) {
    for (std::size_t i = 0; i < in; ++i) {
      most[i] = std::max(most[i], std::abs(row[i]));
      const float* block = row + i / kGramBlock * kGramBlock;
      float* sums = gram.data() + i * kGramBlock;
      for (std::size_t j = 0; j <= i % kGramBlock; ++j) sums[j] += row[i] * block[j];
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
