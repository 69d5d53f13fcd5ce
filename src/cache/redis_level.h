#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "vecmill/cache/level.h"
#include "vecmill/cache/row.h"
#include "vecmill/redis/client.h"
#include "vecmill/result.h"

namespace vecmill::cache {

struct RedisLevelOptions {
  std::chrono::seconds ttl = std::chrono::days(7);  ///< since it was put; 0: for ever
  Store store = Store::kF32;
  std::string encryption_key = {};  ///< 32 bytes: rows are sealed with AES-256-GCM; empty: plain
};

/// Vectors in a Redis that several machines share. How much it keeps, and what goes first, is the
/// server's affair: `rows`, `bytes` and `max_bytes` of its stats are 0. A server that is away is an
/// error of `get_many` and `put_many`, after the client's bounded wait.
///   errors  kInvalidArgument: a key of another length
Result<std::unique_ptr<Level>> make_redis_level(std::shared_ptr<redis::Client> client,
                                                const RedisLevelOptions& options);

}  // namespace vecmill::cache
