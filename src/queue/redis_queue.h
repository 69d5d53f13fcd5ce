#pragma once

#include <memory>

#include "vecmill/queue/queue.h"
#include "vecmill/redis/client.h"
#include "vecmill/result.h"

namespace vecmill::queue {

struct RedisQueueOptions {
  redis::ClientOptions client;
  bool create = false;  ///< when it is not there
  /// How long a server that is away is waited for; a call takes effect once, however often it was
  /// made.
  Duration patience = std::chrono::seconds(30);
};

/// A queue in a Redis 6 or later, for workers of many machines. What is durable, and when, its
/// append-only file decides. A server that comes back without the queue is an error, never an empty
/// queue.
///   errors  kInvalidArgument: a server that drops keys or keeps no append-only file; kNotFound: no
///           queue; kUnsupported: a replica; those of redis::Client
Result<std::unique_ptr<Queue>> open_redis_queue(const RedisQueueOptions& options);

}  // namespace vecmill::queue
