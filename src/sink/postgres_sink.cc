#include "vecmill/sink/postgres_sink.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/sink/postgres_target.h"

namespace vecmill::sink {
namespace {

using postgres::ArrayBuilder;
using postgres::Connection;
using postgres::Rows;
using postgres::sql_name;
using postgres::Target;

constexpr std::size_t kBatchRows = 2048;
constexpr std::size_t kBatchBytes = 8 << 20;

std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

/// PostgreSQL has no U+0000 in a text: in metadata it becomes U+FFFD.
std::string without_nul(std::string_view json) {
  std::string out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\' || i + 1 == json.size()) {
      out += json[i];
    } else if (json.substr(i + 1, 5) == "u0000") {
      out += "\\ufffd";
      i += 5;
    } else {
      out += json[i];
      out += json[++i];
    }
  }
  return out;
}

/// The statement that writes a batch; its parameters are ids, hashes, vectors, counts of cut
/// tokens and metadata. Rows are taken in the order of the ids, as every other run does: two of
/// them never wait for one another in a circle.
std::string same_row_statement(const Target& target) {
  const bool sparse = target.sparse.has_value();
  std::string keys;
  for (std::size_t i = 0; i < target.keys.size(); ++i) {
    keys += sql_name(target.keys[i].name) + ", ";
  }
  return "UPDATE " + target.table.sql() + " AS t SET " + sql_name(target.vector.name) +
         " = v.vecmill_vector" +
         (sparse ? ", " + sql_name(target.sparse->name) + " = v.vecmill_sparse" : "") +
         " FROM (SELECT " + postgres::keys_of_id(target.keys, "u.id") + ", u.h, u.e" +
         (sparse ? ", u.w FROM unnest($1, $2, $3, $4) AS u(id, h, e, w)"
                 : " FROM unnest($1, $2, $3) AS u(id, h, e)") +
         ") AS v(" + keys + "vecmill_hash, vecmill_vector" + (sparse ? ", vecmill_sparse" : "") +
         ") WHERE " + postgres::key_match(target.keys, "t.", "v.") + " AND " +
         postgres::hash_expression("t." + sql_name(target.text)) + " = v.vecmill_hash";
}

std::string beside_statement(const Target& target) {
  std::string columns = sql_name(target.vector.name), values = "u.e";
  std::string changes = columns + " = EXCLUDED." + columns;
  const auto add = [&](const std::string& name, const std::string& value) {
    columns += ", " + name;
    values += ", " + value;
    changes += ", " + name + " = EXCLUDED." + name;
  };
  const auto also = [&](const char* name, std::string_view type, const std::string& value) {
    const postgres::Column* column = target.table.find(name);
    if (column && column->type_name == type) add(name, value);
  };
  if (target.sparse) add(sql_name(target.sparse->name), "u.w");
  also("text_hash", "bytea", "u.h");
  also("space", "int4", std::to_string(target.space));
  also("truncated_tokens", "int4", "u.t");
  also("metadata", "jsonb", "u.m::jsonb");
  also("updated_at", "timestamptz", "now()");
  const std::string keys = postgres::key_list(target.keys, "");
  return "INSERT INTO " + target.table.sql() + " (" + keys + ", " + columns + ") SELECT " +
         postgres::keys_of_id(target.keys, "u.id") + ", " + values +
         (target.sparse ? " FROM unnest($1, $2, $3, $4, $5, $6) AS u(id, h, e, w, t, m)"
                        : " FROM unnest($1, $2, $3, $4, $5) AS u(id, h, e, t, m)") +
         " ON CONFLICT (" + keys + ") DO UPDATE SET " + changes;
}

class PostgresSink : public Sink {
 public:
  PostgresSink(Connection connection, Target target, const SpaceInfo& info,
               const PostgresSinkOptions& options)
      : connection_(std::move(connection)),
        target_(std::move(target)),
        sparse_dims_(info.sparse_dims),
        options_(options) {
    statement_ = target_.same_row() ? same_row_statement(target_) : beside_statement(target_);
  }

  Status look_at_indexes() {
    VECMILL_ASSIGN(const auto indexes, vector_indexes(connection_, target_));
    for (const VectorIndex& index : indexes) {
      if (!index.valid) continue;
      notes_.push_back("the index " + index.name + " (" + index.method +
                       ") was kept up row by "
                       "row, down to tens of rows a second as it grows: before a large load drop "
                       "it, and have it made at the end with --create-index hnsw");
    }
    return {};
  }

  Status write(std::span<const OutputRow> rows) override {
    std::vector<std::size_t> good, bad;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].id.find('\0') != std::string::npos) {
        return make_error(ErrorKind::kInvalidData,
                          "an id holds U+0000, which PostgreSQL has in no text",
                          connection_.shown(), "give such texts other ids");
      }
      (rows[i].error ? bad : good).push_back(i);
    }
    VECMILL_TRY(write_good(rows, std::move(good)));
    VECMILL_TRY(write_bad(rows, bad));
    rows_written_ += rows.size();
    return {};
  }

  Status commit(const std::string& position) override {
    if (!options_.keep_position) return {};
    return set_position(std::to_string(rows_written_) + " " + position);
  }

  Status finish() override {
    failpoint("postgres.finish");
    if (options_.keep_position) VECMILL_TRY(set_position({}));
    if (!options_.hnsw_index) return {};
    return make_hnsw_index(connection_, target_);
  }

  [[nodiscard]] bool wants_text_hash() const override { return true; }

  [[nodiscard]] std::vector<std::string> notes() const override {
    auto notes = notes_;
    if (changed_ > 0) {
      notes.push_back(std::to_string(changed_) +
                      " rows changed or went away while they were embedded and were left alone: "
                      "the same command does those that are there");
    }
    if (failed_ > 0) {
      notes.push_back("the reasons are in the table " + std::string(postgres::kFailures) +
                      "; such a text is asked for again when it changes, or its row is deleted "
                      "there");
    }
    return notes;
  }

  /// What an interrupted run had done.
  Status resume(Opened& opened) {
    VECMILL_ASSIGN(
        const Rows rows,
        connection_.run("SELECT position FROM " + target_.ours(postgres::kSpaces) +
                        " WHERE position IS NOT NULL AND id = " + std::to_string(target_.space)));
    if (rows.empty()) return {};
    const std::string text(rows.at(0, 0));
    const auto space = std::min(text.find(' '), text.size() - 1);
    opened.position = text.substr(space + 1);
    opened.rows_done = rows_written_ = rows.number(0, 0);
    return {};
  }

 private:
  Status write_good(std::span<const OutputRow> rows, std::vector<std::size_t> order) {
    std::ranges::sort(order, {}, [&](std::size_t i) -> const std::string& { return rows[i].id; });
    for (std::size_t from = 0; from < order.size();) {
      std::size_t to = from, bytes = 0;
      while (to < order.size() && to - from < kBatchRows && bytes < kBatchBytes) {
        const OutputRow& row = rows[order[to]];
        bytes += 4 * row.vector.size() + 8 * row.sparse.size() + row.metadata.size();
        ++to;
      }
      VECMILL_TRY(write_batch(rows, std::span(order).subspan(from, to - from)));
      from = to;
    }
    return {};
  }

  Status write_batch(std::span<const OutputRow> rows, std::span<const std::size_t> order) {
    ArrayBuilder ids(postgres::kText), hashes(postgres::kBytea), vectors(target_.vector.oid);
    ArrayBuilder cut(postgres::kInt4), metadata(postgres::kText);
    ArrayBuilder sparse(target_.sparse ? target_.sparse->oid : 0);
    for (const std::size_t i : order) {
      const OutputRow& row = rows[i];
      ids.add(row.id);
      hashes.add(from_hex(row.text_hash));
      add_vector(vectors, row.vector);
      if (target_.sparse) sparse.add_sparsevec(sparse_dims_, row.sparse);
      if (target_.same_row()) continue;
      cut.add_int4(static_cast<std::int32_t>(row.truncated_tokens));
      row.metadata.empty() ? metadata.add_null() : metadata.add(without_nul(row.metadata));
    }
    std::vector<postgres::Param> params;
    params.push_back({postgres::kTextArray, std::move(ids).take()});
    params.push_back({postgres::kByteaArray, std::move(hashes).take()});
    params.push_back({target_.vector.array, std::move(vectors).take()});
    if (target_.sparse) params.push_back({target_.sparse->array, std::move(sparse).take()});
    if (!target_.same_row()) {
      params.push_back({postgres::kInt4Array, std::move(cut).take()});
      params.push_back({postgres::kTextArray, std::move(metadata).take()});
    }
    failpoint("postgres.write");
    VECMILL_ASSIGN(const Rows written, connection_.run(statement_, params));
    failpoint("postgres.written");
    changed_ += order.size() - std::min<std::uint64_t>(order.size(), written.affected());
    if (target_.any_failures) VECMILL_TRY(forget_failures(params[0]));
    return {};
  }

  void add_vector(ArrayBuilder& vectors, std::span<const float> vector) const {
    const std::string& type = target_.vector.type_name;
    if (type == "bit") return vectors.add_bits(vector);
    type == "halfvec" ? vectors.add_halfvec(vector) : vectors.add_vector(vector);
  }

  Status forget_failures(const postgres::Param& ids) {
    VECMILL_TRY(connection_.run("DELETE FROM " + target_.ours(postgres::kFailures) +
                                    " WHERE space = " + std::to_string(target_.space) +
                                    " AND key = ANY ($1)",
                                std::span(&ids, 1)));
    return {};
  }

  Status write_bad(std::span<const OutputRow> rows, const std::vector<std::size_t>& order) {
    if (order.empty()) return {};
    ArrayBuilder ids(postgres::kText), hashes(postgres::kBytea), kinds(postgres::kText);
    ArrayBuilder messages(postgres::kText);
    for (const std::size_t i : order) {
      ids.add(rows[i].id);
      hashes.add(from_hex(rows[i].text_hash));
      kinds.add(name(rows[i].error->kind));
      messages.add(rows[i].error->message);
    }
    const std::vector<postgres::Param> params = {
        {postgres::kTextArray, std::move(ids).take()},
        {postgres::kByteaArray, std::move(hashes).take()},
        {postgres::kTextArray, std::move(kinds).take()},
        {postgres::kTextArray, std::move(messages).take()}};
    VECMILL_TRY(connection_.run(
        "INSERT INTO " + target_.ours(postgres::kFailures) +
            " (space, key, text_hash, kind, message) SELECT " + std::to_string(target_.space) +
            ", u.* FROM unnest($1, $2, $3, $4) AS u ON CONFLICT (space, key) DO UPDATE SET"
            " text_hash = EXCLUDED.text_hash, kind = EXCLUDED.kind, message = EXCLUDED.message,"
            " at = now()",
        params));
    failed_ += order.size();
    return {};
  }

  /// Empty: none.
  Status set_position(const std::string& position) {
    const postgres::Param param{postgres::kText, position};
    VECMILL_TRY(connection_.run(
        "UPDATE " + target_.ours(postgres::kSpaces) +
            " SET position = NULLIF($1, '') WHERE id = " + std::to_string(target_.space),
        std::span(&param, 1)));
    return {};
  }

  Connection connection_;
  Target target_;
  std::uint32_t sparse_dims_;
  PostgresSinkOptions options_;
  std::string statement_;
  std::vector<std::string> notes_;
  std::uint64_t rows_written_ = 0, changed_ = 0, failed_ = 0;
};

}  // namespace

Result<PostgresOpened> open_postgres_sink(const postgres::Url& url, const SpaceInfo& info,
                                          const PostgresSinkOptions& options) {
  VECMILL_ASSIGN(Connection connection, Connection::open(url));
  VECMILL_ASSIGN(Target target, prepare_target(connection, url, info, options));
  PostgresOpened out{{}, target};
  auto sink =
      std::make_unique<PostgresSink>(std::move(connection), std::move(target), info, options);
  VECMILL_TRY(sink->look_at_indexes());
  if (options.resume && options.keep_position) VECMILL_TRY(sink->resume(out.opened));
  out.opened.sink = std::move(sink);
  return out;
}

}  // namespace vecmill::sink
