#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/postgres/target.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"

namespace vecmill::engine {

struct JobOutput {
  std::unique_ptr<Sink> sink;
  std::optional<postgres::Target> table = {};  ///< where it is one: what says which rows are done
};

/// The output of a job, which other workers write into at the same time. With
/// `job.postgres.create` what is missing is made. `keys`: the columns that ids of a table are made
/// of; else ids are one text.
///   errors  kInvalidArgument: an output of one writer; those of open_postgres_sink and
///           open_shared_sqlite_sink
Result<JobOutput> open_job_output(const EmbedJob& job, const SpaceInfo& space,
                                  const std::vector<postgres::Column>& keys = {});

}  // namespace vecmill::engine
