#pragma once

#include <memory>

#include "vecmill/cache/server_level.h"
#include "vecmill/redis/client.h"
#include "vecmill/result.h"

namespace vecmill::cache {

/// Vectors in a Redis. How much it keeps, and what goes first, is the server's affair.
///   errors  kInvalidArgument: a key of another length
Result<std::unique_ptr<Level>> make_redis_level(std::shared_ptr<redis::Client> client,
                                                const ServerLevelOptions& options);

}  // namespace vecmill::cache
