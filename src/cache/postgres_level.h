#pragma once

#include <cstdint>
#include <memory>

#include "vecmill/cache/server_level.h"
#include "vecmill/postgres/client.h"
#include "vecmill/result.h"

namespace vecmill::cache {

/// Vectors in a schema of PostgreSQL, of about `max_bytes` at most. A use is written down once a
/// day and row; what has not been used for longest makes room, and who writes rows removes up to
/// twice as many whose time is over.
/// `client`: with cache_objects.
///   errors  kInvalidArgument: a key of another length
Result<std::unique_ptr<Level>> make_postgres_level(std::shared_ptr<postgres::Client> client,
                                                   const ServerLevelOptions& options,
                                                   std::uint64_t max_bytes);

}  // namespace vecmill::cache
