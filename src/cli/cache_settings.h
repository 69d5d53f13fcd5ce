#pragma once

#include "vecmill/cache.h"
#include "vecmill/cli/settings.h"
#include "vecmill/engine.h"

namespace vecmill::cli {

[[nodiscard]] CacheOptions cache_options(const Settings& settings);

/// Lets a command that makes vectors use the cache as the settings say.
///   errors  kInvalidArgument: --cache and --no-cache at once
Status add_cache(const Settings& settings, ModelOptions& options);

}  // namespace vecmill::cli
