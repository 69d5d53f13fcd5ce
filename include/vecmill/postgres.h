#pragma once

#include "vecmill/place.h"

namespace vecmill {

/// What an embedding job may change in a PostgreSQL database besides rows. docs/postgres.md
struct PostgresOptions {
  bool create = false;      ///< the extension, the table, the column, where they are missing
  bool hnsw_index = false;  ///< after the last row, unless a valid one is there
};

}  // namespace vecmill
