#include "vecmill/base/database.h"

#include <sqlite3.h>

namespace vecmill {

void Database::Close::operator()(sqlite3* db) const { sqlite3_close(db); }
void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

namespace {

/// So long is waited for others who write.
constexpr int kBusyMs = 10'000;

/// Of several that begin the log of a new file at once SQLite refuses some without waiting.
Status begin_log(Database& db) {
  constexpr int kTries = 1000, kPauseMs = 10;
  for (int tries = 1;; ++tries) {
    Status begun = db.run("PRAGMA journal_mode=WAL");
    if (begun || sqlite3_errcode(db.get()) != SQLITE_BUSY || tries == kTries) return begun;
    sqlite3_sleep(kPauseMs);
  }
}

}  // namespace

Result<Database> Database::open(const std::filesystem::path& path, bool write) {
  Database db;
  db.path_ = path.string();
  sqlite3* raw = nullptr;
  const int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(db.path_.c_str(), &raw, flags, nullptr);
  db.db_.reset(raw);
  if (code != SQLITE_OK) return db.error(code);
  if (!write) sqlite3_busy_timeout(raw, kBusyMs);
  if (write) {
    // A rollback journal: one writer, no reader beside it, and the file is whole after each commit.
    VECMILL_TRY(db.run("PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA"));
  }
  return db;
}

Result<Database> Database::open_shared(const std::filesystem::path& path,
                                       std::uint32_t page_bytes) {
  Database db;
  db.path_ = path.string();
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW;
  const int code = sqlite3_open_v2(db.path_.c_str(), &raw, flags, nullptr);
  db.db_.reset(raw);
  if (code != SQLITE_OK) return db.error(code);
  sqlite3_busy_timeout(raw, kBusyMs);
  VECMILL_TRY(db.run("PRAGMA page_size=" + std::to_string(page_bytes)));
  VECMILL_TRY(begin_log(db));
  VECMILL_TRY(db.run("PRAGMA synchronous=FULL"));
  return db;
}

std::uint64_t Database::last_id() const {
  return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(db_.get()));
}
std::uint64_t Database::changes() const {
  return static_cast<std::uint64_t>(sqlite3_changes64(db_.get()));
}
bool Database::is_read_only() const { return sqlite3_db_readonly(db_.get(), "main") == 1; }

Error Database::error(int code) const {
  const int primary = code & 0xFF;
  const bool data =
      primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR;
  const std::string hint = primary == SQLITE_FULL ? "free some space or choose another folder" : "";
  return make_error(data ? ErrorKind::kInvalidData : ErrorKind::kIo,
                    std::string("SQLite: ") + sqlite3_errstr(code), path_, hint);
}

Status Database::run(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<Statement> Statement::prepare(const Database& db, std::string_view sql) {
  Statement statement;
  statement.db_ = &db;
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v2(db.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  statement.statement_.reset(raw);
  if (code != SQLITE_OK) return db.error(code);
  return statement;
}

Statement& Statement::bind(int at, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), at, text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int at, std::uint64_t number) {
  sqlite3_bind_int64(statement_.get(), at, static_cast<sqlite3_int64>(number));
  return *this;
}

Statement& Statement::bind_real(int at, double number) {
  sqlite3_bind_double(statement_.get(), at, number);
  return *this;
}

Statement& Statement::bind_blob(int at, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), at, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  reset();  // else the next parameters would be refused
  return db_->error(code);
}

Status Statement::execute() {
  const int code = sqlite3_step(statement_.get());
  reset();
  if (code != SQLITE_DONE) return db_->error(code);
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

}  // namespace vecmill
