#include "vecmill/source/postgres_source.h"

#include <utility>

#include "vecmill/base/utf8.h"

namespace vecmill::source {

using postgres::sql_name;

namespace {

/// A page ends with the row that takes it beyond so many bytes of text.
constexpr const char* kPageRows = "2048";
constexpr const char* kPageBytes = "4194304";
constexpr std::string_view kPositionPrefix = "after ";

/// Rows of the table beside (o) that need nothing: same text, same space, where it says so.
std::string is_done_beside(const postgres::Target& target, const std::string& hash) {
  std::string done = target.has_vectors("o.");
  const auto has = [&](const char* name, std::string_view type) {
    const postgres::Column* column = target.table.find(name);
    return column && column->type_name == type;
  };
  if (has("space", "int4")) done += " AND o.space = " + std::to_string(target.space);
  if (has("text_hash", "bytea")) done += " AND o.text_hash = " + hash;
  return done;
}

std::string body_expression(PostgresSource::Body body) {
  if (body == PostgresSource::Body::kNone) return "''";
  const bool hash = body == PostgresSource::Body::kHash;
  return hash ? "encode(" + postgres::hash_expression("p.body") + ", 'hex')" : "p.body";
}

/// Key columns of the table beside are matched by their order with those of the source.
std::string match_by_order(const std::vector<postgres::Column>& keys,
                           const std::vector<postgres::Column>& beside) {
  std::string match;
  for (std::size_t i = 0; i < keys.size() && i < beside.size(); ++i) {
    const std::string type = keys[i].type == beside[i].type ? "" : "::" + beside[i].type;
    match += "o." + sql_name(beside[i].name) + " = s." + sql_name(keys[i].name) + type + " AND ";
  }
  return match;
}

}  // namespace

PostgresSource::PostgresSource(postgres::Url url, postgres::Connection connection,
                               postgres::Table table, std::vector<postgres::Column> keys)
    : url_(std::move(url)),
      connection_(std::move(connection)),
      table_(std::move(table)),
      keys_(std::move(keys)) {}

Result<std::unique_ptr<PostgresSource>> PostgresSource::open(const postgres::Url& url) {
  if (url.text.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "names no column of texts", url.shown,
                      "add &text=COLUMN");
  }
  VECMILL_ASSIGN(auto connection, postgres::Connection::open(url));
  VECMILL_ASSIGN(auto table, postgres::describe(connection, url));
  VECMILL_TRY(postgres::column_of(table, url.text, url.shown));
  for (const std::string& name : url.metadata) {
    VECMILL_TRY(postgres::column_of(table, name, url.shown));
  }
  VECMILL_TRY(postgres::check_privilege(connection, table, "SELECT"));
  VECMILL_ASSIGN(auto keys, postgres::key_of(connection, table, url));
  return std::unique_ptr<PostgresSource>(
      new PostgresSource(url, std::move(connection), std::move(table), std::move(keys)));
}

void PostgresSource::leave_out(const std::optional<postgres::Target>& target) {
  const bool is_here = target && target->place == connection_.place();
  done_ = is_here ? target : std::nullopt;
}

std::string PostgresSource::rows_to_do() const {
  const std::string text = "s." + sql_name(url_.text);
  std::string sql = " FROM (SELECT * FROM " + table_.sql();
  if (!url_.where.empty()) sql += " WHERE " + url_.where;
  sql += "\n) s WHERE " + text + " IS NOT NULL";
  if (!done_) return sql;
  const std::string hash = postgres::hash_expression(text);
  if (done_->same_row()) {
    sql += " AND NOT (" + done_->has_vectors("s.") + ")";
  } else {
    sql += " AND NOT EXISTS (SELECT 1 FROM " + done_->table.sql() + " o WHERE " +
           match_by_order(keys_, done_->keys) + is_done_beside(*done_, hash) + ")";
  }
  if (done_->any_failures) {
    sql += " AND NOT EXISTS (SELECT 1 FROM " + done_->ours(postgres::kFailures) +
           " f WHERE f.space = " + std::to_string(done_->space) +
           " AND f.key = " + postgres::id_expression(keys_, "s.") + " AND f.text_hash = " + hash +
           ")";
  }
  return sql;
}

/// A window sum ends the page by bytes; lengths are known without reading long texts.
std::string PostgresSource::page_statement() const {
  const std::string text = "s." + sql_name(url_.text) + "::text";
  const std::string keys = postgres::key_list(keys_, "s.");
  std::string metadata;
  for (const std::string& name : url_.metadata) {
    metadata += (metadata.empty() ? "'" : ", '");
    for (const char c : name) metadata.append(c == '\'' ? 2 : 1, c);
    metadata += "'::text, s." + sql_name(name);
  }
  std::string sql =
      "SELECT p.id, " + body_expression(body_) + ", p.metadata FROM (SELECT " +
      postgres::id_expression(keys_, "s.") + " AS id, " + text + " AS body, " +
      (metadata.empty() ? std::string("''") : "jsonb_build_object(" + metadata + ")::text") +
      " AS metadata, row_number() OVER w AS place, sum(octet_length(" + text +
      ")) OVER w - octet_length(" + text + ") AS before" + rows_to_do();
  if (fetched_) sql += " AND (" + keys + ") > (" + postgres::keys_of_id(keys_, "$1") + ")";
  if (until_) {
    const std::string last = postgres::keys_of_id(keys_, fetched_ ? "$2" : "$1");
    sql += " AND (" + keys + ") <= (" + last + ")";
  }
  return sql + " WINDOW w AS (ORDER BY " + keys + " ROWS UNBOUNDED PRECEDING) ORDER BY " + keys +
         " LIMIT " + kPageRows + ") p WHERE p.before < " + kPageBytes + " ORDER BY p.place";
}

Status PostgresSource::count() {
  VECMILL_ASSIGN(const postgres::Rows rows,
                 connection_.run("SELECT count(*)::text" + rows_to_do()));
  total_ = rows.number(0, 0);
  return {};
}

Status PostgresSource::read_page() {
  std::vector<postgres::Param> params;
  for (const auto& id : {fetched_, until_}) {
    if (id) params.push_back({postgres::kText, *id});
  }
  VECMILL_ASSIGN(const postgres::Rows rows, connection_.run(page_statement(), params));
  page_.clear();
  at_ = 0;
  ended_ = rows.empty();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Record record{std::string(rows.at(i, 0)), std::string(rows.at(i, 1)),
                  std::string(rows.at(i, 2))};
    if (!is_valid_utf8(record.text)) {
      return make_error(ErrorKind::kInvalidData, "a text is not UTF-8 (key " + record.id + ")",
                        url_.shown, "its database has no encoding (SQL_ASCII); mend the row");
    }
    page_.push_back(std::move(record));
  }
  if (!page_.empty()) fetched_ = page_.back().id;
  return {};
}

Result<std::vector<Record>> PostgresSource::next(std::size_t count) {
  std::vector<Record> records;
  while (records.size() < count && !ended_) {
    if (at_ == page_.size()) VECMILL_TRY(read_page());
    while (at_ < page_.size() && records.size() < count) {
      records.push_back(std::move(page_[at_++]));
    }
  }
  if (!records.empty()) after_ = records.back().id;
  return records;
}

std::string PostgresSource::position() const {
  return after_ ? std::string(kPositionPrefix) + *after_ : std::string();
}

Result<std::optional<std::string>> PostgresSource::id_in(const std::string& position) const {
  if (position.empty()) return std::nullopt;
  if (position.starts_with(kPositionPrefix)) return position.substr(kPositionPrefix.size());
  return make_error(ErrorKind::kMismatch, "the input is not the one of the interrupted run",
                    url_.shown, "give the same input, or start over");
}

Status PostgresSource::seek(const std::string& position) {
  page_.clear();
  at_ = 0;
  ended_ = false;
  VECMILL_ASSIGN(after_, id_in(position));
  fetched_ = after_;
  return {};
}

Status PostgresSource::until(const std::string& position) {
  VECMILL_ASSIGN(until_, id_in(position));
  return {};
}

}  // namespace vecmill::source
