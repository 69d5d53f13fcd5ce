#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vecmill/postgres/connection.h"
#include "vecmill/postgres/url.h"
#include "vecmill/result.h"

namespace vecmill::postgres {

/// A name as SQL takes it: "my ""table""".
[[nodiscard]] std::string sql_name(std::string_view name);

struct Column {
  std::string name;
  std::string type;         ///< as SQL takes it, without a modifier: "character varying"
  std::string declared;     ///< with it: "character varying(20)"
  std::string type_name;    ///< without its modifier and schema: "vector"
  Oid oid = 0, array = 0;   ///< of the type, and of an array of it
  std::int32_t limit = -1;  ///< of a vector: its dimensions, -1: any
  bool not_null = false;
};

struct Table {
  std::string schema, name;
  Oid oid = 0;
  bool is_view = false;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> unique;  ///< sets of columns; the primary key first

  [[nodiscard]] std::string sql() const { return sql_name(schema) + "." + sql_name(name); }
  [[nodiscard]] const Column* find(std::string_view column) const;
  /// Whether no two rows can have the same values there, and none lacks them.
  [[nodiscard]] bool is_key(const std::vector<std::string>& columns) const;
};

/// The table or view of the URL, by the search path where no schema is named.
///   errors  kNotFound, with the nearest name
Result<Table> describe(Connection& connection, const Url& url);

/// Whether there is such a table.
Result<bool> exists(Connection& connection, const std::string& schema, const std::string& table);

///   errors  kNotFound, with the nearest name
Result<Column> column_of(const Table& table, const std::string& name, const std::string& where);

/// The columns that name a row: those of the URL, else the primary key.
///   errors  kInvalidData: there is none, or rows share their key or lack it
Result<std::vector<Column>> key_of(Connection& connection, const Table& table, const Url& url);

/// Whether the user has a privilege ("SELECT") on the table.
Status check_privilege(Connection& connection, const Table& table, const std::string& privilege);

/// An expression for the id of a row, of key columns behind `prefix` ("t."): the text of the only
/// key, else a JSON array of the texts.
[[nodiscard]] std::string id_expression(const std::vector<Column>& keys, const std::string& prefix);

/// The other way: the key columns out of an id, "(id)::bigint" or several with commas between.
[[nodiscard]] std::string keys_of_id(const std::vector<Column>& keys, const std::string& id);

/// An expression for the SHA-256 of a text column, as bytea.
[[nodiscard]] std::string hash_expression(const std::string& column);

/// "t.a, t.b", or "u.a = t.a AND u.b = t.b".
[[nodiscard]] std::string key_list(const std::vector<Column>& keys, const std::string& prefix);
[[nodiscard]] std::string key_match(const std::vector<Column>& keys, const std::string& a,
                                    const std::string& b);

}  // namespace vecmill::postgres
