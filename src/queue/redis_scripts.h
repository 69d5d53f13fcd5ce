#pragma once

#include "vecmill/redis/client.h"

namespace vecmill::queue {

/// The calls of a queue in Redis, each of them one step for everybody else. The first key is the
/// prefix of all others; the first argument says which queue it must still be; those that change
/// something get the name of the call as the second, and answer as before when it comes again.
/// Answers are lists whose first item is "ok", or "gone" when the queue is not there any more.
struct RedisScripts {
  redis::Script submit, replace, claim, finish, fail, change, revive, list, wake;

  RedisScripts();
};

}  // namespace vecmill::queue
