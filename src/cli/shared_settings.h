#pragma once

#include <string>

#include "vecmill/cli/settings.h"
#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill::cli {

[[nodiscard]] SharedOptions shared_options(const Settings& settings);

/// Lets a command share what the settings name, and says when the server is not as it should be.
///   errors  as check_shared_state
Status add_shared(const Settings& settings, ModelOptions& options);

/// {"used":true,"admitted":12,...}
[[nodiscard]] std::string shared_json(const SharedReport& report);

/// How limits were shared, on standard error.
void say_shared(const SharedReport& report);

}  // namespace vecmill::cli
