#pragma once

#include <memory>

#include "vecmill/engine/shared_server.h"
#include "vecmill/redis/client.h"

namespace vecmill::engine {

/// The Redis of the options, with its password.
///   errors  kInvalidArgument: no address; kAuth: no password in the environment
Result<redis::ClientOptions> redis_options(const SharedOptions& options);

///   errors  as check_shared_state
Result<std::shared_ptr<SharedServer>> open_shared_redis(const SharedOptions& options,
                                                        SharedUse use);

}  // namespace vecmill::engine
