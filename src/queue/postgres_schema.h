#pragma once

#include <string>

#include "vecmill/postgres/connection.h"
#include "vecmill/result.h"

namespace vecmill::queue {

/// Sees to it that the tables and functions of a queue are in a schema.
///   create  they are made when they are not there
///   schema  as SQL takes it: "\"public\""
///   errors  kNotFound; kUnsupported: of another version; kAuth: the user may not make them
Status prepare_schema(postgres::Connection& connection, const std::string& schema, bool create);

}  // namespace vecmill::queue
