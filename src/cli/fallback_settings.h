#pragma once

#include "vecmill/cli/settings.h"
#include "vecmill/fallback.h"

namespace vecmill::cli {

/// Without a degraded model, which is only for the command that can mark its rows.
[[nodiscard]] FallbackOptions fallback_options(const Settings& settings);

/// {"makers":[{"model":...,"texts":12}],"degraded":0,"notes":[]}
[[nodiscard]] std::string fallback_json(const FallbackReport& report);

/// Who answered, where it was not the model alone, on standard error.
void say_fallback(const FallbackReport& report);

}  // namespace vecmill::cli
