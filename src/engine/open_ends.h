#pragma once

#include <memory>
#include <optional>
#include <string>

#include "vecmill/engine.h"
#include "vecmill/sink/sink_factory.h"
#include "vecmill/source.h"

namespace vecmill::engine {

/// Both ends of a run, fitted to one another: the source at its beginning, the output open.
struct Ends {
  std::unique_ptr<Source> source;
  sink::Opened out;
};

/// Files and tables as inputs and outputs. Without `job.out` a table's vectors go into itself.
///   errors  those of source::open, sink::open, PostgresSource::open and open_postgres_sink
Result<Ends> open_ends(const EmbedJob& job, const SpaceInfo& space);

/// The arithmetic of the vectors that the job adds to; nothing where it begins anew.
///   errors  of a table: those of stored_arithmetic
Result<std::optional<std::string>> stored_arithmetic(const EmbedJob& job);

/// The only input when it is a table; null for files.
///   errors  kInvalidArgument: a table among other inputs
Result<std::unique_ptr<Source>> open_table(const EmbedJob& job);

}  // namespace vecmill::engine
