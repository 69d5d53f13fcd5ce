#include "vecmill/postgres/table.h"

#include <algorithm>
#include <charconv>

#include "vecmill/base/suggest.h"

namespace vecmill::postgres {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

Param text_of(std::string text) { return {kText, std::move(text)}; }

Error no_such_table(Connection& connection, const Url& url) {
  const auto names = connection.run(
      "SELECT relname::text FROM pg_class WHERE relkind IN ('r','p','v','m','f') AND relnamespace ="
      " ANY (CASE WHEN $1 = '' THEN current_schemas(false)::regnamespace[]"
      " ELSE ARRAY[to_regnamespace(quote_ident($1))]::regnamespace[] END) LIMIT 10000",
      std::vector{text_of(url.schema)});
  std::vector<std::string_view> words;
  for (std::size_t i = 0; names && i < names->size(); ++i) words.push_back(names->at(i, 0));
  std::string hint = suggestion(url.table, words);
  if (hint.empty() && url.schema.empty() && url.table.find('.') != std::string::npos) {
    hint = "the schema is a parameter of its own: schema=S&table=T";
  }
  return make_error(ErrorKind::kNotFound, "there is no table " + url.table, url.shown, hint);
}

Status read_columns(Connection& connection, Table& table) {
  VECMILL_ASSIGN(
      const Rows rows,
      connection.run(
          "SELECT a.attname::text, format_type(a.atttypid, -1), t.typname::text,"
          " t.oid::text, t.typarray::text, a.atttypmod::text, a.attnotnull::text,"
          " format_type(a.atttypid, a.atttypmod)"
          " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
          " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
          std::vector{text_of(std::to_string(table.oid))}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Column column;
    column.name = rows.at(i, 0);
    column.type = rows.at(i, 1);
    column.type_name = rows.at(i, 2);
    column.oid = static_cast<Oid>(rows.number(i, 3));
    column.array = static_cast<Oid>(rows.number(i, 4));
    const std::string_view limit = rows.at(i, 5);
    std::from_chars(limit.data(), limit.data() + limit.size(), column.limit);
    column.not_null = rows.yes(i, 6);
    column.declared = rows.at(i, 7);
    table.columns.push_back(std::move(column));
  }
  return {};
}

Status read_unique(Connection& connection, Table& table) {
  VECMILL_ASSIGN(
      const Rows rows,
      connection.run("SELECT i.indexrelid::text, a.attname::text FROM pg_index i"
                     " CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(att, n)"
                     " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att"
                     " WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid"
                     " AND i.indpred IS NULL AND i.indexprs IS NULL AND k.n <= i.indnkeyatts"
                     " ORDER BY NOT i.indisprimary, i.indexrelid, k.n",
                     std::vector{text_of(std::to_string(table.oid))}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows.at(i, 0) != rows.at(i - 1, 0)) table.unique.emplace_back();
    table.unique.back().emplace_back(rows.at(i, 1));
  }
  return {};
}

/// Looks at the rows themselves, for tables and views without an index that says it.
Status check_distinct(Connection& connection, const Table& table, const std::vector<Column>& keys,
                      const Url& url) {
  const std::string list = key_list(keys, "t.");
  std::string missing;
  for (const Column& key : keys) {
    missing += (missing.empty() ? "t." : " OR t.") + sql_name(key.name) + " IS NULL";
  }
  const std::string from = " FROM " + table.sql() + " t ";
  VECMILL_ASSIGN(
      const Rows rows,
      connection.run("SELECT 'one row lacks its key' WHERE EXISTS (SELECT 1" + from + "WHERE " +
                     missing + ") UNION ALL SELECT 'two rows have one key' WHERE EXISTS (SELECT 1" +
                     from + "GROUP BY " + list + " HAVING count(*) > 1)"));
  if (rows.empty()) return {};
  std::string names;
  for (const Column& key : keys) names += (names.empty() ? "" : ",") + key.name;
  return make_error(ErrorKind::kInvalidData,
                    "key=" + names + " does not name one row: " + std::string(rows.at(0, 0)),
                    url.shown, "name other columns, or several: key=a,b");
}

}  // namespace

std::string sql_name(std::string_view name) { return doubled(name, '"'); }

const Column* Table::find(std::string_view column) const {
  const auto found = std::ranges::find(columns, column, &Column::name);
  return found == columns.end() ? nullptr : &*found;
}

bool Table::is_key(const std::vector<std::string>& names) const {
  const auto in_names = [&](const std::string& wanted) {
    return std::ranges::find(names, wanted) != names.end();
  };
  const bool whole = std::ranges::all_of(names, [&](const std::string& wanted) {
    const Column* column = find(wanted);
    return column && column->not_null;
  });
  return whole && std::ranges::any_of(
                      unique, [&](const auto& set) { return std::ranges::all_of(set, in_names); });
}

Result<Table> describe(Connection& connection, const Url& url) {
  const std::string name =
      (url.schema.empty() ? "" : sql_name(url.schema) + ".") + sql_name(url.table);
  VECMILL_ASSIGN(const Rows rows,
                 connection.run("SELECT c.oid::text, n.nspname::text, c.relkind::text FROM pg_class"
                                " c JOIN pg_namespace n ON n.oid = c.relnamespace"
                                " WHERE c.oid = to_regclass($1)",
                                std::vector{text_of(name)}));
  if (rows.empty()) return no_such_table(connection, url);
  Table table;
  table.oid = static_cast<Oid>(rows.number(0, 0));
  table.schema = rows.at(0, 1);
  table.name = url.table;
  table.is_view = rows.at(0, 2) == "v" || rows.at(0, 2) == "m";
  VECMILL_TRY(read_columns(connection, table));
  VECMILL_TRY(read_unique(connection, table));
  return table;
}

Result<bool> exists(Connection& connection, const std::string& schema, const std::string& table) {
  VECMILL_ASSIGN(const Rows rows,
                 connection.run("SELECT (to_regclass($1) IS NOT NULL)::text",
                                std::vector{text_of(sql_name(schema) + "." + sql_name(table))}));
  return rows.yes(0, 0);
}

Result<Column> column_of(const Table& table, const std::string& name, const std::string& where) {
  if (const Column* column = table.find(name)) return *column;
  std::vector<std::string_view> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return make_error(ErrorKind::kNotFound, "the table " + table.name + " has no column " + name,
                    where, suggestion(name, names));
}

Result<std::vector<Column>> key_of(Connection& connection, const Table& table, const Url& url) {
  std::vector<std::string> names = url.keys;
  if (names.empty() && !table.unique.empty()) names = table.unique.front();
  if (names.empty()) {
    return make_error(ErrorKind::kInvalidData, "the table " + table.name + " has no primary key",
                      url.shown, "name the columns that tell rows apart: key=a,b");
  }
  std::vector<Column> keys;
  for (const std::string& name : names) {
    VECMILL_ASSIGN(Column column, column_of(table, name, url.shown));
    keys.push_back(std::move(column));
  }
  if (!table.is_key(names)) VECMILL_TRY(check_distinct(connection, table, keys, url));
  return keys;
}

Status check_privilege(Connection& connection, const Table& table, const std::string& privilege) {
  VECMILL_ASSIGN(const Rows rows, connection.run("SELECT (has_table_privilege($1::oid, $2) OR"
                                                 " has_any_column_privilege($1::oid, $2))::text",
                                                 std::vector{text_of(std::to_string(table.oid)),
                                                             text_of(privilege)}));
  if (rows.yes(0, 0)) return {};
  return make_error(ErrorKind::kAuth, "no permission: " + privilege + " on the table " + table.name,
                    connection.shown(), "ask its owner for it");
}

std::string id_expression(const std::vector<Column>& keys, const std::string& prefix) {
  if (keys.size() == 1) return prefix + sql_name(keys[0].name) + "::text";
  std::string list;
  for (const Column& key : keys) {
    list += (list.empty() ? "" : ", ") + prefix + sql_name(key.name) + "::text";
  }
  return "jsonb_build_array(" + list + ")::text";
}

std::string keys_of_id(const std::vector<Column>& keys, const std::string& id) {
  if (keys.size() == 1) return id + "::" + keys[0].type;
  std::string list;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    list += (i > 0 ? ", (" : "(") + id + "::jsonb ->> " + std::to_string(i) + ")::" + keys[i].type;
  }
  return list;
}

std::string hash_expression(const std::string& column) {
  return "sha256(convert_to(" + column + "::text, 'UTF8'))";
}

std::string key_list(const std::vector<Column>& keys, const std::string& prefix) {
  std::string list;
  for (const Column& key : keys) list += (list.empty() ? "" : ", ") + prefix + sql_name(key.name);
  return list;
}

std::string key_match(const std::vector<Column>& keys, const std::string& a, const std::string& b) {
  std::string list;
  for (const Column& key : keys) {
    list += (list.empty() ? "" : " AND ") + a + sql_name(key.name) + " = " + b + sql_name(key.name);
  }
  return list;
}

}  // namespace vecmill::postgres
