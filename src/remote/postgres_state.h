#pragma once

#include <memory>
#include <string>

#include "vecmill/postgres/client.h"
#include "vecmill/remote/state_server.h"

namespace vecmill::remote {

/// The tables and functions of such states; the client makes them.
[[nodiscard]] const postgres::Objects& state_objects();

/// What all who give the same `name` share in a schema of PostgreSQL; it tells nothing of the key.
std::unique_ptr<StateServer> make_postgres_state(std::shared_ptr<postgres::Client> client,
                                                 const std::string& name);

}  // namespace vecmill::remote
