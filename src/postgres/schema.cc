#include "vecmill/postgres/schema.h"

#include "vecmill/postgres/table.h"

namespace vecmill::postgres {
namespace {

std::string version_table(const std::string& schema, const Objects& objects) {
  return schema + ".vecmill_" + objects.name;
}

}  // namespace

std::string in_schema(std::string_view sql, const std::string& schema) {
  std::string out;
  for (const char c : sql) {
    if (c == '@') out += schema + ".";
    if (c != '@') out += c;
  }
  return out;
}

Result<bool> has_objects(Connection& connection, const std::string& schema,
                         const Objects& objects) {
  VECMILL_ASSIGN(const Rows found,
                 connection.run("SELECT (to_regclass('" + version_table(schema, objects) +
                                "') IS NOT NULL)::text"));
  return found.yes(0, 0);
}

Result<std::string> schema_of(Connection& connection, const Url& url) {
  std::string schema = url.schema;
  if (schema.empty()) {
    VECMILL_ASSIGN(const Rows rows, connection.run("SELECT current_schema()::text"));
    if (rows.is_null(0, 0)) {
      return make_error(ErrorKind::kNotFound, "the search path names no schema that is there",
                        url.shown, "name one: schema=S");
    }
    schema = rows.at(0, 0);
  }
  if (schema.find('\'') != std::string::npos) {
    return make_error(ErrorKind::kInvalidArgument, "the name of the schema has a quote", url.shown,
                      "choose another schema");
  }
  return sql_name(schema);
}

Status prepare_objects(Connection& connection, const std::string& schema, const Objects& objects,
                       bool create) {
  const std::string name = version_table(schema, objects);
  VECMILL_ASSIGN(const bool found, has_objects(connection, schema, objects));
  if (!found && !create) {
    return make_error(ErrorKind::kNotFound, std::string("there is no ") + objects.name,
                      connection.shown(), objects.maker);
  }
  if (!found) {
    std::string make;
    for (const std::string_view script : objects.scripts) make += in_schema(script, schema);
    // Whoever comes second finds it made.
    VECMILL_TRY(connection.run_script(
        "SELECT pg_advisory_xact_lock(7235412087); DO $make$ BEGIN IF to_regclass('" + name +
        "') IS NULL THEN EXECUTE $script$" + make + "$script$; END IF; END $make$"));
  }
  VECMILL_ASSIGN(const Rows version, connection.run("SELECT version::text FROM " + name));
  if (!version.empty() && version.number(0, 0) == objects.version) return {};
  return make_error(ErrorKind::kUnsupported,
                    std::string("the ") + objects.name + " is of another version of Vecmill",
                    connection.shown(), "use the program that made it, or another schema");
}

}  // namespace vecmill::postgres
