#pragma once

#include <memory>
#include <vector>

#include "vecmill/redis/client.h"
#include "vecmill/remote/open_remote.h"
#include "vecmill/result.h"
#include "vecmill/shared_state.h"

namespace vecmill::engine {

/// A connection for vectors; null where none are shared.
///   errors  as check_shared_state
Result<std::shared_ptr<redis::Client>> shared_cache(const SharedOptions& options);

/// What makes the state that processes share of a key and model; null where none is.
///   errors  as check_shared_state; those of the secret that names are made with
Result<remote::ShareOf> shared_limits(const SharedOptions& options);

/// What the states of an engine's models did.
[[nodiscard]] SharedReport report_of(
    const std::vector<std::shared_ptr<remote::SharedState>>& states);

}  // namespace vecmill::engine
