#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/postgres/table.h"

namespace vecmill::postgres {

/// Our own tables, in the schema of the table that vectors go to.
inline constexpr const char* kSpaces = "vecmill_spaces";
inline constexpr const char* kFailures = "vecmill_failures";

/// Where vectors go: a column of the rows that hold the texts, or a table beside them.
struct Target {
  Table table;
  std::vector<Column> keys;
  Column vector;
  std::optional<Column> sparse = {};
  std::string text;           ///< the column of texts in the same row; empty: a table beside
  std::uint64_t space = 0;    ///< the row of vecmill_spaces
  bool any_failures = false;  ///< of this space, in vecmill_failures
  std::string place;          ///< Connection::place

  [[nodiscard]] bool same_row() const { return !text.empty(); }
  /// "o.vector IS NOT NULL AND o.sparse IS NOT NULL": the row has all that belongs to it.
  [[nodiscard]] std::string has_vectors(const std::string& row) const {
    const auto has = [&](const Column& column) {
      return row + sql_name(column.name) + " IS NOT NULL";
    };
    return has(vector) + (sparse ? " AND " + has(*sparse) : std::string());
  }
  [[nodiscard]] std::string ours(const char* name) const {
    return sql_name(table.schema) + "." + name;
  }
};

}  // namespace vecmill::postgres
