#pragma once

#include <memory>
#include <string>

#include "vecmill/redis/client.h"
#include "vecmill/remote/state_server.h"

namespace vecmill::remote {

/// What all who give the same `name` share in a Redis; it tells nothing of the key.
std::unique_ptr<StateServer> make_redis_state(std::shared_ptr<redis::Client> client,
                                              const std::string& name);

}  // namespace vecmill::remote
