#pragma once

#include <string>
#include <string_view>

namespace vecmill {

/// What an embedding job may change in a PostgreSQL database besides rows. docs/postgres.md
struct PostgresOptions {
  bool create = false;      ///< the extension, the table, the column, where they are missing
  bool hnsw_index = false;  ///< after the last row, unless a valid one is there
};

/// Whether an input or output is a table: "postgres://" or "postgresql://".
[[nodiscard]] bool is_postgres_url(std::string_view place);

/// An input or output as it may be printed: without the password that a URL may hold.
[[nodiscard]] std::string shown_place(std::string_view place);

}  // namespace vecmill
