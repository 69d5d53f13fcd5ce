#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vecmill/postgres/connection.h"
#include "vecmill/result.h"

namespace vecmill::postgres {

/// Tables and functions that Vecmill keeps in a schema of a database.
struct Objects {
  const char* name;  ///< "queue": a table vecmill_queue has their version
  std::uint64_t version = 1;
  std::span<const std::string_view> scripts;  ///< SQL that makes them; '@' stands for the schema
  const char* maker;                          ///< of whoever finds none: how they are made
};

/// SQL in which '@' stands for the schema.
[[nodiscard]] std::string in_schema(std::string_view sql, const std::string& schema);

/// The schema that the URL or the search path names, as SQL takes it: "\"public\"".
///   errors  kNotFound: the search path names none; kInvalidArgument: a quote in its name
Result<std::string> schema_of(Connection& connection, const Url& url);

Result<bool> has_objects(Connection& connection, const std::string& schema, const Objects& objects);

/// Sees to it that they are there, in one transaction; processes may race.
///   create  they are made where they are not
///   errors  kNotFound; kUnsupported: of another version; kAuth: the user may not make them
Status prepare_objects(Connection& connection, const std::string& schema, const Objects& objects,
                       bool create);

}  // namespace vecmill::postgres
