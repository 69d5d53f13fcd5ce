#include "vecmill/sink/postgres_target.h"

#include <algorithm>
#include <array>

#include "vecmill/base/utf8.h"

namespace vecmill::sink {
namespace {

using postgres::Column;
using postgres::Connection;
using postgres::Rows;
using postgres::sql_name;
using postgres::Table;
using postgres::Target;
using postgres::Url;

constexpr std::uint32_t kMostHnswVector = 2000;
constexpr std::size_t kMostNameBytes = 63;
constexpr const char* kCreateHint = "--create makes it";

postgres::Param text_of(std::string text) { return {postgres::kText, std::move(text)}; }

/// Types of columns for dense vectors: how long one may be for an HNSW index over it, and by what
/// that compares.
struct VectorType {
  std::string_view name;
  std::uint32_t most_hnsw;
  const char* operators;
};
constexpr std::array<VectorType, 3> kVectorTypes = {
    {{"vector", kMostHnswVector, "vector_cosine_ops"},
     {"halfvec", 4'000, "halfvec_cosine_ops"},
     {"bit", 64'000, "bit_hamming_ops"}}};

/// Null: it is none.
const VectorType* vector_type(const Column& column) {
  const auto* found = std::ranges::find(kVectorTypes, column.type_name, &VectorType::name);
  return found == kVectorTypes.end() ? nullptr : found;
}

/// The schema of pgvector's types and operators; empty: it is not there.
Result<std::string> extension_schema(Connection& connection) {
  VECMILL_ASSIGN(const Rows rows, connection.run("SELECT n.nspname::text FROM pg_extension e"
                                                 " JOIN pg_namespace n ON n.oid = e.extnamespace"
                                                 " WHERE e.extname = 'vector'"));
  return rows.empty() ? std::string() : std::string(rows.at(0, 0));
}

struct Making {
  Connection& connection;
  const Url& url;
  const SpaceInfo& info;
  const PostgresSinkOptions& options;
};

/// "public"., after the extension was made.
Result<std::string> schema_of_types(const Making& making) {
  VECMILL_ASSIGN(std::string schema, extension_schema(making.connection));
  if (schema.empty()) {
    const auto made = making.connection.run_script("CREATE EXTENSION IF NOT EXISTS vector");
    if (!made && (made.error().kind == ErrorKind::kUnsupported ||
                  made.error().kind == ErrorKind::kNotFound)) {
      return make_error(ErrorKind::kNotFound, "the server has no extension vector",
                        making.url.shown, "install pgvector on the server");
    }
    VECMILL_TRY(made);
    VECMILL_ASSIGN(schema, extension_schema(making.connection));
  }
  return sql_name(schema) + ".";
}

/// "public".halfvec(3072)
Result<std::string> new_column_type(const Making& making) {
  VECMILL_ASSIGN(const std::string schema, schema_of_types(making));
  const bool half = making.options.half || making.info.dims > kMostHnswVector;
  return schema + (half ? "halfvec(" : "vector(") + std::to_string(making.info.dims) + ")";
}

Status create_table(const Making& making) {
  VECMILL_ASSIGN(const std::string type, new_column_type(making));
  std::vector<Column> keys = making.options.keys;
  if (keys.empty()) {
    const auto& names = making.url.keys;
    keys.emplace_back();
    keys[0].name = names.empty() ? "id" : names.front();
    keys[0].declared = "text";
  }
  std::string columns;
  for (const Column& key : keys) columns += sql_name(key.name) + " " + key.declared + " NOT NULL, ";
  columns += sql_name(making.url.vector.empty() ? "vector" : making.url.vector) + " " + type +
             ", text_hash bytea, space integer, truncated_tokens integer, metadata jsonb,"
             " updated_at timestamptz, PRIMARY KEY (" +
             postgres::key_list(keys, "") + ")";
  const std::string name = (making.url.schema.empty() ? "" : sql_name(making.url.schema) + ".") +
                           sql_name(making.url.table);
  return making.connection.run_script("CREATE TABLE IF NOT EXISTS " + name + " (" + columns + ")");
}

/// The table of the URL; a table beside is made when it may be.
Result<Table> table_of(const Making& making) {
  auto table = postgres::describe(making.connection, making.url);
  if (!table && table.error().kind == ErrorKind::kNotFound && making.url.text.empty()) {
    if (making.options.create) {
      VECMILL_TRY(create_table(making));
      return postgres::describe(making.connection, making.url);
    }
    if (table.error().hint.empty()) {
      return make_error(ErrorKind::kNotFound, table.error().message, making.url.shown, kCreateHint);
    }
  }
  if (table && table->is_view) {
    return make_error(ErrorKind::kUnsupported, making.url.table + " is a view: it holds no vectors",
                      making.url.shown, "write into a table beside it: --out");
  }
  return table;
}

/// The name of the vector column: that of the URL, else the only one of such a type.
Result<std::string> vector_name(const Url& url, const Table& table) {
  if (!url.vector.empty()) return url.vector;
  std::string name;
  for (const Column& column : table.columns) {
    // Of bits nobody knows whether they are of vectors.
    if (!vector_type(column) || column.type_name == "bit") continue;
    if (!name.empty()) {
      return make_error(ErrorKind::kInvalidArgument,
                        "the table " + table.name + " has several columns of vectors", url.shown,
                        "name one: vector=C");
    }
    name = column.name;
  }
  return name.empty() ? std::string("vector") : name;
}

Status check_type(const Column& column, const Url& url) {
  if (vector_type(column)) return {};
  return make_error(
      ErrorKind::kUnsupported,
      "the column " + column.name + " is " + column.declared + ", not vector, halfvec or bit",
      url.shown);
}

/// Made where it is missing and may be.
template <class TypeOf>
Result<Column> find_or_make(const Making& making, Table& table, const std::string& name,
                            TypeOf type_of) {
  if (!table.find(name) && making.options.create) {
    VECMILL_ASSIGN(const std::string type, type_of(making));
    VECMILL_TRY(making.connection.run_script(
        "ALTER TABLE " + table.sql() + " ADD COLUMN IF NOT EXISTS " + sql_name(name) + " " + type));
    VECMILL_ASSIGN(table, postgres::describe(making.connection, making.url));
  }
  auto found = postgres::column_of(table, name, making.url.shown);
  if (!found && found.error().hint.empty()) {
    Error error = std::move(found).error();
    error.hint = kCreateHint;
    return error;
  }
  return found;
}

Result<Column> vector_column(const Making& making, Table& table) {
  VECMILL_ASSIGN(const std::string name, vector_name(making.url, table));
  VECMILL_ASSIGN(Column column, find_or_make(making, table, name, new_column_type));
  VECMILL_TRY(check_type(column, making.url));
  if (column.limit > 0 && static_cast<std::uint32_t>(column.limit) != making.info.dims) {
    return make_error(ErrorKind::kMismatch,
                      "the column " + name + " is " + column.declared + ", and " +
                          making.info.model + " makes " + std::to_string(making.info.dims) +
                          " dimensions",
                      making.url.shown, "give another model, or another column");
  }
  return column;
}

Status check_sparse_type(const Column& column, const Url& url) {
  if (column.type_name == "sparsevec") return {};
  return make_error(ErrorKind::kUnsupported,
                    "the column " + column.name + " is " + column.declared + ", not sparsevec",
                    url.shown);
}

Result<Column> sparse_column(const Making& making, Table& table) {
  const auto type = [](const Making& of) -> Result<std::string> {
    VECMILL_ASSIGN(const std::string schema, schema_of_types(of));
    return schema + "sparsevec(" + std::to_string(of.info.sparse_dims) + ")";
  };
  VECMILL_ASSIGN(Column column, find_or_make(making, table, making.url.sparse, type));
  VECMILL_TRY(check_sparse_type(column, making.url));
  if (column.limit <= 0 || static_cast<std::uint32_t>(column.limit) == making.info.sparse_dims) {
    return column;
  }
  return make_error(ErrorKind::kMismatch,
                    "the column " + column.name + " is " + column.declared +
                        ", and the vocabulary of " + making.info.model + " has " +
                        std::to_string(making.info.sparse_dims) + " tokens",
                    making.url.shown, "give another column");
}

Status check_outputs(const Url& url, const Outputs& outputs) {
  const auto bad = [&](std::string what, const char* hint) {
    return make_error(ErrorKind::kInvalidArgument, std::move(what), url.shown, hint);
  };
  if (!outputs.dense || outputs.multivector) {
    return bad("a table takes dense vectors, and sparse ones beside them, " + name(outputs) +
                   " was asked for",
               "choose .jsonl, .db or qdrant://");
  }
  if (outputs.sparse && url.sparse.empty()) {
    return bad("names no column for sparse vectors", "add &sparse=COLUMN");
  }
  if (!outputs.sparse && !url.sparse.empty()) {
    return bad("names a column for sparse vectors, and none are made",
               "add --outputs dense,sparse");
  }
  return {};
}

Status check_can_index(const Making& making, const Column& column) {
  const std::uint32_t most = vector_type(column)->most_hnsw;
  if (!making.options.hnsw_index || making.info.dims <= most) return {};
  return make_error(ErrorKind::kUnsupported,
                    "an HNSW index takes a " + column.type_name + " of at most " +
                        std::to_string(most) + " dimensions",
                    making.url.shown, "use a column of halfvec (up to 4000), or fewer --dims");
}

/// What rows of a table beside are found by when they are written again.
Status check_unique(const Making& making, const Target& target) {
  std::vector<std::string> names;
  for (const Column& key : target.keys) names.push_back(key.name);
  std::ranges::sort(names);
  for (std::vector<std::string> set : target.table.unique) {
    std::ranges::sort(set);
    if (set == names) return {};
  }
  return make_error(ErrorKind::kInvalidData,
                    "the table " + target.table.name + " has no unique index over its key",
                    making.url.shown, "make one, or name the columns of another: key=a,b");
}

Status make_our_tables(Connection& connection, const Target& target) {
  const std::string schema = target.table.schema;
  VECMILL_ASSIGN(const bool spaces, postgres::exists(connection, schema, postgres::kSpaces));
  VECMILL_ASSIGN(const bool failures, postgres::exists(connection, schema, postgres::kFailures));
  if (spaces && failures) return {};
  return connection.run_script(
      "SELECT pg_advisory_xact_lock(7235412086); CREATE TABLE IF NOT EXISTS " +
      target.ours(postgres::kSpaces) +
      " (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text NOT NULL,"
      " column_name text NOT NULL, space text NOT NULL, arithmetic text NOT NULL,"
      " model text NOT NULL, dims integer NOT NULL, max_tokens integer NOT NULL,"
      " position text, created_at timestamptz NOT NULL DEFAULT now(),"
      " UNIQUE (table_name, column_name)); CREATE TABLE IF NOT EXISTS " +
      target.ours(postgres::kFailures) +
      " (space integer NOT NULL, key text NOT NULL, text_hash bytea, kind text NOT NULL,"
      " message text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (space, key))");
}

std::string describe_space(std::string_view model, std::string_view dims,
                           std::string_view arithmetic) {
  return std::string(model) + " (" + std::string(dims) + " dimensions, " + std::string(arithmetic) +
         ")";
}

/// Puts the space on record, unless vectors are there of which nobody knows the model.
Status add_space(const Making& making, const Target& target) {
  const SpaceInfo& info = making.info;
  const std::string guard = making.url.adopt
                                ? ""
                                : " WHERE NOT EXISTS (SELECT 1 FROM " + target.table.sql() +
                                      " WHERE " + sql_name(target.vector.name) + " IS NOT NULL)";
  VECMILL_TRY(making.connection.run(
      "INSERT INTO " + target.ours(postgres::kSpaces) +
          " (table_name, column_name, space, arithmetic, model, dims, max_tokens)"
          " SELECT $1, $2, $3, $4, $5, $6::integer, $7::integer" +
          guard + " ON CONFLICT DO NOTHING",
      std::vector{text_of(target.table.name), text_of(target.vector.name), text_of(info.space),
                  text_of(info.arithmetic), text_of(info.model), text_of(std::to_string(info.dims)),
                  text_of(std::to_string(info.max_tokens))}));
  return {};
}

Result<Rows> read_space(Connection& connection, const Target& target) {
  return connection.run(
      "SELECT id::text, space, arithmetic, model, dims::text,"
      " max_tokens::text FROM " +
          target.ours(postgres::kSpaces) + " WHERE table_name = $1 AND column_name = $2",
      std::vector{text_of(target.table.name), text_of(target.vector.name)});
}

Status check_space(const Making& making, Target& target) {
  VECMILL_ASSIGN(Rows rows, read_space(making.connection, target));
  if (rows.empty()) {
    VECMILL_TRY(add_space(making, target));
    VECMILL_ASSIGN(rows, read_space(making.connection, target));
  }
  if (rows.empty()) {
    return make_error(
        ErrorKind::kMismatch,
        "the column " + target.vector.name + " has vectors already, and no record of their model",
        making.url.shown,
        "if they are of " + making.info.model +
            " with the same settings, add adopt=yes to the URL");
  }
  target.space = rows.number(0, 0);
  if (rows.at(0, 1) == making.info.space && rows.at(0, 2) == making.info.arithmetic) return {};
  return make_error(ErrorKind::kMismatch,
                    "the column " + target.vector.name + " holds vectors of " +
                        describe_space(rows.at(0, 3), rows.at(0, 4), rows.at(0, 2)) + ", not of " +
                        describe_space(making.info.model, std::to_string(making.info.dims),
                                       making.info.arithmetic) +
                        " with these settings",
                    making.url.shown,
                    "give the same model and settings, or another column or table");
}

std::string index_name(const Target& target) {
  const std::string end = "_hnsw";
  std::string name = target.table.name + "_" + target.vector.name;
  if (name.size() + end.size() > kMostNameBytes) {
    name.resize(kMostNameBytes - end.size());
    while (!is_valid_utf8(name)) name.pop_back();
  }
  return name + end;
}

}  // namespace

Result<Target> prepare_target(Connection& connection, const Url& url, const SpaceInfo& info,
                              const PostgresSinkOptions& options) {
  VECMILL_TRY(check_outputs(url, info.outputs));
  const Making making{connection, url, info, options};
  Target target;
  target.place = connection.place();
  target.text = url.text;
  VECMILL_ASSIGN(target.table, table_of(making));
  VECMILL_ASSIGN(target.vector, vector_column(making, target.table));
  VECMILL_TRY(check_can_index(making, target.vector));
  if (info.outputs.sparse) {
    VECMILL_ASSIGN(target.sparse, sparse_column(making, target.table));
  }
  VECMILL_ASSIGN(target.keys, postgres::key_of(connection, target.table, url));
  VECMILL_TRY(postgres::check_privilege(connection, target.table, "UPDATE"));
  if (target.same_row()) {
    VECMILL_TRY(postgres::column_of(target.table, target.text, url.shown));
  } else {
    VECMILL_TRY(check_unique(making, target));
    VECMILL_TRY(postgres::check_privilege(connection, target.table, "INSERT"));
  }
  VECMILL_TRY(make_our_tables(connection, target));
  VECMILL_TRY(check_space(making, target));
  VECMILL_ASSIGN(const Rows failures,
                 connection.run("SELECT 1 FROM " + target.ours(postgres::kFailures) +
                                " WHERE space = " + std::to_string(target.space) + " LIMIT 1"));
  target.any_failures = !failures.empty();
  return target;
}

Result<FoundTarget> find_target(Connection& connection, const Url& url) {
  FoundTarget found;
  Target& target = found.target;
  target.place = connection.place();
  target.text = url.text;
  VECMILL_ASSIGN(target.table, postgres::describe(connection, url));
  VECMILL_ASSIGN(const std::string name, vector_name(url, target.table));
  VECMILL_ASSIGN(target.vector, postgres::column_of(target.table, name, url.shown));
  VECMILL_TRY(check_type(target.vector, url));
  if (!url.sparse.empty()) {
    VECMILL_ASSIGN(target.sparse, postgres::column_of(target.table, url.sparse, url.shown));
    VECMILL_TRY(check_sparse_type(*target.sparse, url));
  }
  VECMILL_ASSIGN(target.keys, postgres::key_of(connection, target.table, url));
  VECMILL_TRY(postgres::check_privilege(connection, target.table, "SELECT"));
  const std::string& schema = target.table.schema;
  VECMILL_ASSIGN(found.has_failures, postgres::exists(connection, schema, postgres::kFailures));
  VECMILL_ASSIGN(const bool spaces, postgres::exists(connection, schema, postgres::kSpaces));
  if (!spaces) return found;
  VECMILL_ASSIGN(const Rows rows, read_space(connection, target));
  if (rows.empty()) return found;
  target.space = rows.number(0, 0);
  const auto number = [&](std::size_t i) { return static_cast<std::uint32_t>(rows.number(0, i)); };
  found.space = SpaceInfo{std::string(rows.at(0, 1)),
                          std::string(rows.at(0, 2)),
                          std::string(rows.at(0, 3)),
                          number(4),
                          number(5),
                          {.sparse = target.sparse.has_value()}};
  return found;
}

Result<std::optional<std::string>> stored_arithmetic(const Url& url) {
  const std::optional<std::string> none;
  VECMILL_ASSIGN(Connection connection, Connection::open(url));
  auto table = postgres::describe(connection, url);
  if (!table) return none;
  Target target;
  target.table = *std::move(table);
  VECMILL_ASSIGN(target.vector.name, vector_name(url, target.table));
  VECMILL_ASSIGN(const bool spaces,
                 postgres::exists(connection, target.table.schema, postgres::kSpaces));
  if (!spaces) return none;
  VECMILL_ASSIGN(const Rows rows, read_space(connection, target));
  return rows.empty() ? none : std::optional(std::string(rows.at(0, 2)));
}

Result<std::vector<VectorIndex>> vector_indexes(Connection& connection, const Target& target) {
  VECMILL_ASSIGN(const Rows rows,
                 connection.run("SELECT c.relname::text, m.amname::text, i.indisvalid::text"
                                " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                                " JOIN pg_am m ON m.oid = c.relam"
                                " JOIN pg_attribute a ON a.attrelid = i.indrelid"
                                " AND a.attnum = ANY (i.indkey::int2[])"
                                " WHERE i.indrelid = $1::oid AND a.attname = $2"
                                " AND m.amname IN ('hnsw', 'ivfflat')",
                                std::vector{text_of(std::to_string(target.table.oid)),
                                            text_of(target.vector.name)}));
  std::vector<VectorIndex> indexes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    indexes.push_back({std::string(rows.at(i, 0)), std::string(rows.at(i, 1)), rows.yes(i, 2)});
  }
  return indexes;
}

Status make_hnsw_index(Connection& connection, const Target& target) {
  VECMILL_ASSIGN(const auto before, vector_indexes(connection, target));
  for (const VectorIndex& index : before) {
    if (index.method != "hnsw") continue;
    if (index.valid) return {};
    VECMILL_TRY(connection.run("DROP INDEX CONCURRENTLY IF EXISTS " +
                               sql_name(target.table.schema) + "." + sql_name(index.name)));
  }
  VECMILL_ASSIGN(const std::string schema, extension_schema(connection));
  const std::string operators = sql_name(schema) + "." + vector_type(target.vector)->operators;
  VECMILL_TRY(connection.run_long("CREATE INDEX CONCURRENTLY IF NOT EXISTS " +
                                  sql_name(index_name(target)) + " ON " + target.table.sql() +
                                  " USING hnsw (" + sql_name(target.vector.name) + " " + operators +
                                  ") WITH (m = 16, ef_construction = 64)"));
  VECMILL_ASSIGN(const auto after, vector_indexes(connection, target));
  for (const VectorIndex& index : after) {
    if (index.method == "hnsw" && index.valid) return {};
  }
  return make_error(ErrorKind::kIo, "the index " + index_name(target) + " was not finished",
                    connection.shown(), "all vectors are written; run the same command again");
}

}  // namespace vecmill::sink
