#pragma once

#include <string>
#include <vector>

#include "vecmill/cli/settings.h"
#include "vecmill/cost.h"
#include "vecmill/result.h"

namespace vecmill::cli {

///   errors  kInvalidArgument: a tag without '='
Result<SpendOptions> spend_options(const Settings& settings);

/// The fields of --tag-field.
[[nodiscard]] std::vector<std::string> tag_fields(const Settings& settings);

/// {"used":true,"requests":1,...}
[[nodiscard]] std::string spend_json(const SpendReport& report);

/// What was spent, on standard error.
void say_spend(const SpendReport& report);

}  // namespace vecmill::cli
