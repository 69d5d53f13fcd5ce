#pragma once

#include "vecmill/cli/settings.h"
#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill::cli {

/// Lets a command share what the settings name, and says when the server is not as it should be.
///   errors  as check_shared_state
Status add_redis(const Settings& settings, ModelOptions& options);

}  // namespace vecmill::cli
