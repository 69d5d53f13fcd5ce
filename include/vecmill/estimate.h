#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill {

/// What embedding an input with one model would take.
struct Estimate {
  std::string model;
  std::uint64_t texts = 0;
  std::uint64_t tokens = 0;  ///< that go into the model
  bool exact = false;        ///< the tokens are counted, not estimated
  std::string cost{};        ///< dollars; empty: no price is known
  double seconds = 0;        ///< local: from a sample; API: what its limits allow; 0: not known
  std::string problem{};     ///< why this model cannot be used here; empty: it can
};

/// One for each of `models`, in their order. Reads the inputs once for each model; sends nothing. A
/// model that cannot be used is no error but has a `problem`.
///   errors  those of reading the inputs; kInvalidArgument: standard input, which is read once;
///           kCancelled
Result<std::vector<Estimate>> estimate(const EmbedJob& job, const std::vector<ModelOptions>& models,
                                       const std::stop_token& stop = {});

}  // namespace vecmill
