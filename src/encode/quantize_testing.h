#pragma once

#include <cmath>
#include <vector>

#include "vecmill/encode/input_statistics.h"

namespace vecmill::encode {

/// Of inputs of these sizes that have nothing to do with one another, so that each weight is
/// rounded for itself.
inline InputStatistics unrelated_inputs(std::vector<float> most) {
  for (float& size : most) size = std::abs(size);
  const std::size_t sums = most.size() * kGramBlock;
  return {std::move(most), std::vector<float>(sums)};
}

}  // namespace vecmill::encode
