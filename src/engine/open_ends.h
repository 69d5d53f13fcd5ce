#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "vecmill/engine.h"
#include "vecmill/engine/skip_done.h"
#include "vecmill/sink/sink_factory.h"
#include "vecmill/source.h"
#include "vecmill/source/postgres_source.h"

namespace vecmill::engine {

/// Both ends of a run, fitted to one another: the source at its beginning, the output open.
struct Ends {
  std::unique_ptr<Source> source;
  sink::Opened out;
  const SkipDone* skip = nullptr;  ///< the source, where it leaves out what the output has
};

/// Files, tables and collections as inputs and outputs. Without `job.out` a table's vectors go into
/// itself.
///   errors  those of opening either end; kInvalidArgument: a collection into itself
Result<Ends> open_ends(const EmbedJob& job, const SpaceInfo& space);

/// The arithmetic of the vectors that the job adds to; nothing where it begins anew.
///   errors  of a table or a collection: those of asking its server
Result<std::optional<std::string>> stored_arithmetic(const EmbedJob& job);

/// A source at its beginning.
struct Input {
  std::unique_ptr<Source> source;
  source::PostgresSource* table = nullptr;  ///< the source, where it is one
  [[nodiscard]] std::size_t id_columns() const { return table ? table->keys().size() : 1; }
  /// Columns of a table that make up an id.
  [[nodiscard]] std::vector<postgres::Column> keys() const {
    return table ? table->keys() : std::vector<postgres::Column>();
  }
};

/// The only input when it is a table or a collection; no source for files.
///   errors  kInvalidArgument: one among other inputs
Result<Input> open_on_server(const EmbedJob& job);

/// Whether a collection is not both the input and the output: a point is written whole, what else
/// it holds would go.
///   errors  kInvalidArgument: it is
Status check_not_itself(const EmbedJob& job);

}  // namespace vecmill::engine
