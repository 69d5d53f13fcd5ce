#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vecmill/encode/input_statistics.h"

namespace vecmill::encode {

/// How the error of one rounded weight is made up for by the weights behind it, given how their
/// inputs go together (Frantar et al., "GPTQ", 2023; here block by block).
class ErrorFeedback {
 public:
  /// Inputs with a `mask` of 0 take no part.
  ErrorFeedback(const InputStatistics& statistics, std::span<const float> mask);

  /// Changes the weights of one output behind `k`; `error` is what weight k lost by rounding.
  void spread(float error, std::size_t k, std::span<float> weights) const;

 private:
  std::vector<float> shares_;  ///< [in][kGramBlock], for the places behind k in its block
};

}  // namespace vecmill::encode
