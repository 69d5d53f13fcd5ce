#include "vecmill/engine/open_ends.h"

#include <algorithm>
#include <utility>

#include "vecmill/engine/open_source.h"
#include "vecmill/engine/search_collection.h"
#include "vecmill/sink/postgres_sink.h"
#include "vecmill/sink/qdrant_sink.h"
#include "vecmill/sink/stored_arithmetic.h"
#include "vecmill/source/qdrant_source.h"

namespace vecmill::engine {
namespace {

using source::PostgresSource;

/// A table or a collection stands alone.
Status check_alone(const EmbedJob& job) {
  const auto found = std::ranges::find_if(job.inputs, is_on_server);
  if (found == job.inputs.end() || job.inputs.size() == 1) return {};
  return make_error(
      ErrorKind::kInvalidArgument,
      is_postgres_url(*found) ? "a table is embedded alone" : "a collection is embedded alone",
      shown_place(*found), "run the other inputs by themselves");
}

/// Null when no input is a table.
Result<std::unique_ptr<PostgresSource>> open_postgres(const EmbedJob& job) {
  VECMILL_TRY(check_alone(job));
  if (std::ranges::none_of(job.inputs, is_postgres_url)) return nullptr;
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

Result<sink::QdrantOpened> open_collection(const EmbedJob& job, const SpaceInfo& space) {
  VECMILL_ASSIGN(const qdrant::Url url, qdrant::parse_url(job.out));
  VECMILL_TRY(check_not_itself(job));
  return sink::open_qdrant_sink(url, {space, job.half ? "f16" : "f32"},
                                {job.qdrant.create, job.resume});
}

/// Nothing where there is no such collection, or nothing on record of it: `open_collection` says
/// what is to be done.
Result<std::optional<std::string>> arithmetic_of_collection(const std::string& out) {
  const auto found = describe_index(out);
  if (found) return std::optional(found->identity.info.arithmetic);
  const ErrorKind kind = found.error().kind;
  if (kind != ErrorKind::kNotFound && kind != ErrorKind::kMismatch) return found.error();
  return std::optional<std::string>();
}

}  // namespace

Result<Input> open_on_server(const EmbedJob& job) {
  VECMILL_ASSIGN(std::unique_ptr<PostgresSource> table, open_postgres(job));
  Input input;
  input.table = table.get();
  input.source = std::move(table);
  if (input.source || !std::ranges::any_of(job.inputs, is_qdrant_url)) return input;
  VECMILL_ASSIGN(const qdrant::Url url, qdrant::parse_url(job.inputs[0]));
  VECMILL_ASSIGN(input.source, source::QdrantSource::open(url, job.text_field));
  return input;
}

Status check_not_itself(const EmbedJob& job) {
  if (!is_qdrant_url(job.inputs[0]) || !is_qdrant_url(job.out)) return {};
  VECMILL_ASSIGN(const qdrant::Url in, qdrant::parse_url(job.inputs[0]));
  VECMILL_ASSIGN(const qdrant::Url out, qdrant::parse_url(job.out));
  if (in.base != out.base || in.collection != out.collection) return {};
  return make_error(ErrorKind::kInvalidArgument, "is the input, too: its texts would be lost",
                    out.shown, "give another collection");
}

Result<Ends> open_ends(const EmbedJob& job, const SpaceInfo& space) {
  VECMILL_ASSIGN(auto table, open_postgres(job));
  const std::string& out = output_of(job);
  Ends ends;
  sink::FindDone find_done;
  if (is_postgres_url(out)) {
    VECMILL_ASSIGN(ends.out, open_target(job, out, space, table.get()));
  } else if (is_qdrant_url(out)) {
    VECMILL_ASSIGN(sink::QdrantOpened opened, open_collection(job, space));
    ends.out = std::move(opened.opened);
    find_done = std::move(opened.find_done);
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
  if (find_done) {
    auto skip = std::make_unique<SkipDone>(std::move(ends.source), std::move(find_done));
    ends.skip = skip.get();
    ends.source = std::move(skip);
  }
  return ends;
}

Result<std::optional<std::string>> stored_arithmetic(const EmbedJob& job) {
  const std::string& out = output_of(job);
  if (is_qdrant_url(out)) return arithmetic_of_collection(out);
  if (!is_postgres_url(out)) {
    return job.resume ? sink::stored_arithmetic(out) : std::optional<std::string>();
  }
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(out));
  return sink::stored_arithmetic(url);
}

}  // namespace vecmill::engine

const std::string& vecmill::output_of(const EmbedJob& job) {
  const bool itself = job.out.empty() && job.inputs.size() == 1 && is_postgres_url(job.inputs[0]);
  return itself ? job.inputs[0] : job.out;
}
