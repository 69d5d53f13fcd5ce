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

  /// [in]: the inputs in the order in which their weights are to be rounded, block by block.
  [[nodiscard]] std::span<const std::uint32_t> order() const { return order_; }
  /// Changes the weights of one output, in that order, behind place `n`; `error` is what the weight
  /// there lost by rounding.
  void spread(float error, std::size_t n, std::span<float> weights) const;

 private:
  std::vector<std::uint32_t> order_;
  std::vector<float> shares_;  ///< [in][kGramBlock], for the places behind one in its block
};

}  // namespace vecmill::encode
