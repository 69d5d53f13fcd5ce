#pragma once

#include <memory>

#include "vecmill/cache/lease_server.h"
#include "vecmill/postgres/client.h"

namespace vecmill::cache {

/// `client`: with cache_objects.
std::unique_ptr<LeaseServer> make_postgres_leases(std::shared_ptr<postgres::Client> client);

}  // namespace vecmill::cache
