#pragma once

#include <cstddef>
#include <memory>

#include "vecmill/engine.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"

namespace vecmill::engine {

/// The output of a job, which other workers write into at the same time. With
/// `job.postgres.create` what is missing is made. `id_columns`: what ids are made of.
///   errors  kInvalidArgument: an output of one writer; those of open_postgres_sink and
///           open_shared_sqlite_sink
Result<std::unique_ptr<Sink>> open_job_output(const EmbedJob& job, const SpaceInfo& space,
                                              std::size_t id_columns = 1);

}  // namespace vecmill::engine
