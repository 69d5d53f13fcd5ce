#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "vecmill/encode/team.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::encode {

/// Inputs whose products are told: those of one block of so many.
constexpr std::uint32_t kGramBlock = 384;

/// What texts have shown of the inputs of one linear map.
struct InputStatistics {
  std::vector<float> most;  ///< [in]: the largest magnitude
  /// [in][kGramBlock]: gram[i, j] sums the products of input i and input j of i's block, for j up
  /// to i's own place there.
  std::vector<float> gram;

  /// `rows` is [count, in]. Members of a crew share the inputs; alone, an add of no rows makes
  /// room.
  void add(const float* rows, std::uint32_t count, std::uint32_t in, const Crew& crew = {});
  /// The inputs, the largest `count` at most, whose magnitudes are above twice the median,
  /// ascending.
  [[nodiscard]] std::vector<std::uint32_t> outliers(std::uint32_t count) const;
};

using StatisticsByLinear = std::unordered_map<const Linear*, InputStatistics>;

}  // namespace vecmill::encode
