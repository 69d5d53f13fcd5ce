#pragma once

#include <string>

#include "vecmill/engine/open_model.h"

namespace vecmill::engine {

/// The model of the options together with those that stand in for it. A model that is here needs
/// none: it is never out.
///   errors  as open_model; kInvalidArgument naming both: models that are not of one space
Result<OpenedModel> open_chain(const ModelOptions& options, std::uint32_t threads);

/// Whether an output has a place for the mark of vectors of another model.
///   errors  kInvalidArgument
Status check_degraded(const std::string& degraded, const std::string& out);

/// The sum of what several models cost.
[[nodiscard]] SpendReport sum_of(const std::vector<SpendReport>& reports);

}  // namespace vecmill::engine
