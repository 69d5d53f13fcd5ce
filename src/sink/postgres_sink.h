#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vecmill/postgres/target.h"
#include "vecmill/postgres/url.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {

struct PostgresSinkOptions {
  bool create = false;      ///< extension, table, column
  bool hnsw_index = false;  ///< at the end
  bool half = false;        ///< halfvec where a column is made; above 2,000 dimensions in any case
  bool resume = false;
  bool keep_position = false;          ///< the source does not know by itself what is done
  std::vector<postgres::Column> keys;  ///< of a table that is made; empty: id text
};

struct PostgresOpened {
  Opened opened;
  postgres::Target target;
};

/// The arithmetic of the vectors that the column of the URL holds; nothing where there is none, or
/// no record of it.
///   errors  kInvalidArgument: it names no column, and there are several; those of Connection
Result<std::optional<std::string>> stored_arithmetic(const postgres::Url& url);

/// Vectors into a table. With `text` in the URL they go into the row that holds the text, if that
/// is still the same, else into a table beside, a row a text. A batch is one statement with its own
/// transaction, safe to repeat: what is written twice is the same.
///   errors  kMismatch: another space or dimension, or vectors of a space that is not on record;
///           kNotFound: table, column, extension; kAuth; kUnsupported: a view, another type;
///           kInvalidData: keys that do not tell rows apart
Result<PostgresOpened> open_postgres_sink(const postgres::Url& url, const SpaceInfo& info,
                                          const PostgresSinkOptions& options);

}  // namespace vecmill::sink
