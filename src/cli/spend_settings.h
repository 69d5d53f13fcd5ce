#pragma once

#include "vecmill/cli/settings.h"
#include "vecmill/cost.h"
#include "vecmill/result.h"

namespace vecmill::cli {

///   errors  kInvalidArgument: a tag without '='
Result<SpendOptions> spend_options(const Settings& settings);

/// {"used":true,"requests":1,...}
[[nodiscard]] std::string spend_json(const SpendReport& report);

/// What was spent, and what a budget says, on standard error.
void say_spend(const SpendReport& report);

}  // namespace vecmill::cli
