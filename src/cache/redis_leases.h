#pragma once

#include <memory>

#include "vecmill/cache/lease_server.h"
#include "vecmill/redis/client.h"

namespace vecmill::cache {

std::unique_ptr<LeaseServer> make_redis_leases(std::shared_ptr<redis::Client> client);

}  // namespace vecmill::cache
