#include "vecmill/cache/postgres_level.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "vecmill/postgres/parameters.h"

namespace vecmill::cache {
namespace {

using postgres::array;
using postgres::kBytea;
using postgres::kText;
using postgres::Param;
using postgres::Rows;
using postgres::text;

std::string seconds(Time time) { return std::to_string(time.time_since_epoch().count()); }

Param array_of(std::span<const std::string> names) {
  return array(names, kBytea, [](const std::string& name) { return name; });
}

class PostgresLevel final : public ServerLevel {
 public:
  PostgresLevel(std::shared_ptr<postgres::Client> client, const ServerLevelOptions& options,
                RowCodec codec, std::uint64_t max_bytes)
      : ServerLevel(options, std::move(codec)),
        client_(std::move(client)),
        max_bytes_(std::min<std::uint64_t>(max_bytes, std::numeric_limits<std::int64_t>::max())) {}

  Status clear() override {
    VECMILL_TRY(client_->run("SELECT @vecmill_vectors_clear()", {}));
    return {};
  }

 private:
  Result<std::vector<std::optional<std::string>>> read(Names names, Time now) override {
    const std::vector<Param> params{array_of(names), text(seconds(now))};
    VECMILL_ASSIGN(
        const Rows rows,
        client_->run("SELECT (k.place - 1)::text, r.value, (r.used < $2::bigint - 86400)::text"
                     " FROM unnest($1) WITH ORDINALITY AS k(key, place)"
                     " JOIN @vecmill_vector_rows r ON r.key = k.key",
                     params));
    std::vector<std::optional<std::string>> values(names.size());
    std::vector<std::string> used;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::uint64_t place = rows.number(row, 0);
      if (place >= values.size()) continue;
      if (rows.yes(row, 2)) used.push_back(names[place]);
      values[place] = rows.at(row, 1);
    }
    if (!used.empty()) note_use(used, now);
    return values;
  }

  /// That it is not noted costs a hit later, at worst. Nobody waits for who has a row now.
  void note_use(Names names, Time now) {
    const std::vector<Param> params{array_of(names), text(seconds(now))};
    (void)client_->run(
        "UPDATE @vecmill_vector_rows r SET used = @vecmill_vectors_now($2::bigint)"
        " WHERE r.key IN (SELECT o.key FROM @vecmill_vector_rows o WHERE o.key = ANY ($1)"
        " FOR UPDATE SKIP LOCKED)",
        params);
  }

  Status write(std::span<const Row> rows, Time now) override {
    const std::vector<Param> params{
        array(rows, kBytea, [](const Row& row) { return row.name; }),
        array(rows, kBytea, [](const Row& row) { return row.value; }),
        array(rows, kText,
              [](const Row& row) {
                return row.expires ? std::optional(seconds(*row.expires)) : std::nullopt;
              }),
        text(seconds(now)), text(std::to_string(max_bytes_))};
    VECMILL_ASSIGN(const Rows done,
                   client_->run("SELECT @vecmill_vectors_put($1, $2, $3::text[]::bigint[],"
                                " $4::bigint, $5::bigint)::text",
                                params));
    counts_.evicted += done.number(0, 0);
    return {};
  }

  void drop(Names names) override {
    const std::vector<Param> params{array_of(names)};
    (void)client_->run("SELECT @vecmill_vectors_drop($1)", params);
  }

  const std::shared_ptr<postgres::Client> client_;
  const std::uint64_t max_bytes_;
};

}  // namespace

Result<std::unique_ptr<Level>> make_postgres_level(std::shared_ptr<postgres::Client> client,
                                                   const ServerLevelOptions& options,
                                                   std::uint64_t max_bytes) {
  VECMILL_ASSIGN(RowCodec codec, RowCodec::make(options.store, options.encryption_key));
  return std::unique_ptr<Level>(
      std::make_unique<PostgresLevel>(std::move(client), options, std::move(codec), max_bytes));
}

}  // namespace vecmill::cache
