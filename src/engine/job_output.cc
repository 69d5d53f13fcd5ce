#include "vecmill/engine/job_output.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "vecmill/sink/postgres_sink.h"
#include "vecmill/sink/shared_sqlite_sink.h"

namespace vecmill::engine {
namespace {

Result<JobOutput> open_table(const EmbedJob& job, const SpaceInfo& space,
                             const std::vector<postgres::Column>& keys) {
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(job.out));
  sink::PostgresSinkOptions options;
  options.create = job.postgres.create;
  options.half = job.half;
  options.keys = keys;
  VECMILL_ASSIGN(auto made, sink::open_postgres_sink(url, space, options));
  const std::size_t id_columns = std::max<std::size_t>(keys.size(), 1);
  if (made.target.keys.size() == id_columns) {
    return JobOutput{std::move(made.opened.sink), std::move(made.target)};
  }
  return make_error(ErrorKind::kMismatch,
                    "the key of " + made.target.table.name + " has " +
                        std::to_string(made.target.keys.size()) + " columns, an id " +
                        std::to_string(id_columns),
                    url.shown, "name the columns of ids with key=");
}

}  // namespace

Result<JobOutput> open_job_output(const EmbedJob& job, const SpaceInfo& space,
                                  const std::vector<postgres::Column>& keys) {
  if (is_postgres_url(job.out)) return open_table(job, space, keys);
  const std::filesystem::path out(job.out);
  if (out.extension() == ".db") {
    VECMILL_ASSIGN(auto sink,
                   sink::open_shared_sqlite_sink(out, {space, job.half ? "f16" : "f32"}));
    return JobOutput{std::move(sink)};
  }
  return make_error(ErrorKind::kInvalidArgument, "takes what one run writes, not several workers",
                    job.out, "choose a .db of this machine or postgres://...?table=T");
}

}  // namespace vecmill::engine
