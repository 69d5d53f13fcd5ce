#include "vecmill/engine/open_ends.h"

#include <algorithm>
#include <utility>

#include "vecmill/engine/open_source.h"
#include "vecmill/sink/postgres_sink.h"
#include "vecmill/sink/stored_arithmetic.h"
#include "vecmill/source/postgres_source.h"

namespace vecmill::engine {
namespace {

using source::PostgresSource;

/// Null when no input is a table.
Result<std::unique_ptr<PostgresSource>> open_postgres(const EmbedJob& job) {
  if (std::ranges::none_of(job.inputs, is_postgres_url)) return nullptr;
  if (job.inputs.size() > 1) {
    return make_error(ErrorKind::kInvalidArgument, "a table is embedded alone",
                      shown_place(*std::ranges::find_if(job.inputs, is_postgres_url)),
                      "run the other inputs by themselves");
  }
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(job.inputs[0]));
  return PostgresSource::open(url);
}

/// The ids of the source must be keys of the table.
Status check_keys(const PostgresSource* table, const postgres::Target& target,
                  const std::string& where) {
  const std::size_t given = table ? table->keys().size() : 1;
  if (given == target.keys.size()) return {};
  return make_error(ErrorKind::kMismatch,
                    "the key of " + target.table.name + " has " +
                        std::to_string(target.keys.size()) + " columns, an id of the input " +
                        std::to_string(given),
                    where, "name the columns of both with key=");
}

Result<sink::Opened> open_target(const EmbedJob& job, const std::string& out,
                                 const SpaceInfo& space, PostgresSource* table) {
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(out));
  sink::PostgresSinkOptions options;
  options.create = job.postgres.create;
  options.hnsw_index = job.postgres.hnsw_index;
  options.half = job.half;
  options.resume = job.resume;
  options.keep_position = table == nullptr;
  if (table) options.keys = table->keys();
  VECMILL_ASSIGN(sink::PostgresOpened opened, sink::open_postgres_sink(url, space, options));
  VECMILL_TRY(check_keys(table, opened.target, url.shown));
  if (table) table->leave_out(opened.target);
  return std::move(opened.opened);
}

/// Without an output a table's vectors go into itself.
const std::string& place_of(const EmbedJob& job) {
  const bool itself = job.out.empty() && job.inputs.size() == 1 && is_postgres_url(job.inputs[0]);
  return itself ? job.inputs[0] : job.out;
}

}  // namespace

Result<std::unique_ptr<Source>> open_table(const EmbedJob& job) {
  VECMILL_ASSIGN(std::unique_ptr<Source> table, open_postgres(job));
  return table;
}

Result<Ends> open_ends(const EmbedJob& job, const SpaceInfo& space) {
  VECMILL_ASSIGN(auto table, open_postgres(job));
  const std::string& out = place_of(job);
  Ends ends;
  if (is_postgres_url(out)) {
    VECMILL_ASSIGN(ends.out, open_target(job, out, space, table.get()));
  } else {
    sink::SinkOptions options;
    options.resume = job.resume;
    options.store = job.half ? sink::Store::kF16 : sink::Store::kF32;
    VECMILL_ASSIGN(ends.out, sink::open(out, space, options));
  }
  if (table && !ends.out.complete) VECMILL_TRY(table->count());
  ends.source = std::move(table);
  if (!ends.source) {
    VECMILL_ASSIGN(ends.source, open_source(job));
  }
  return ends;
}

Result<std::optional<std::string>> stored_arithmetic(const EmbedJob& job) {
  const std::string& out = place_of(job);
  if (!is_postgres_url(out)) {
    return job.resume ? sink::stored_arithmetic(out) : std::optional<std::string>();
  }
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(out));
  return sink::stored_arithmetic(url);
}

}  // namespace vecmill::engine
