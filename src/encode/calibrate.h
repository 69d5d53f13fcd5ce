#pragma once

#include <map>
#include <string>

#include "vecmill/encode/encoder.h"
#include "vecmill/encode/input_statistics.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// Of each matrix of the layers, by its name in the packed file.
using StatisticsByName = std::map<std::string, InputStatistics, std::less<>>;

/// There is nothing that another arithmetic could speed up.
[[nodiscard]] Error has_no_layers(const char* arithmetic);

/// What goes into the products when the texts go through the model in f32.
///   errors  as PackedModel::open; kInvalidArgument: a model without layers, an id outside
///           the vocabulary
Result<StatisticsByName> measure_inputs(const Calibration& calibration);

}  // namespace vecmill::encode
