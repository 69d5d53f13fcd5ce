#include "vecmill/base/file_format.h"

#include <string>

namespace vecmill {
namespace {

constexpr const char* kCountTables = "SELECT count(*) FROM sqlite_schema";
constexpr const char* kVersion = "PRAGMA user_version";

Status create(Database& db, const FileFormat& format, const std::function<Status()>& fill) {
  VECMILL_TRY(db.run("BEGIN IMMEDIATE"));
  VECMILL_ASSIGN(const auto tables, read_number(db, kCountTables));
  if (tables > 0) return db.run("ROLLBACK");  // another process was first
  VECMILL_TRY(db.run(format.tables));
  VECMILL_TRY(db.run("PRAGMA application_id=" + std::to_string(format.application)));
  VECMILL_TRY(db.run("PRAGMA user_version=" + std::to_string(format.version)));
  if (fill) VECMILL_TRY(fill());
  return db.run("COMMIT");
}

Status upgrade(Database& db, const FileFormat& format) {
  VECMILL_TRY(db.run("BEGIN IMMEDIATE"));
  VECMILL_ASSIGN(const auto version, read_number(db, kVersion));
  if (version == format.version) return db.run("ROLLBACK");  // another process was first
  VECMILL_TRY(db.run(format.upgrade));
  VECMILL_TRY(db.run("PRAGMA user_version=" + std::to_string(format.version)));
  return db.run("COMMIT");
}

}  // namespace

Result<std::int64_t> read_number(const Database& db, std::string_view sql) {
  VECMILL_ASSIGN(Statement statement, Statement::prepare(db, sql));
  VECMILL_ASSIGN(const bool row, statement.step());
  return row ? statement.number(0) : 0;
}

Status prepare_file(Database& db, const FileFormat& format, const std::function<Status()>& fill) {
  VECMILL_ASSIGN(const auto tables, read_number(db, kCountTables));
  if (tables == 0) VECMILL_TRY(create(db, format, fill));
  VECMILL_ASSIGN(const auto application, read_number(db, "PRAGMA application_id"));
  VECMILL_ASSIGN(const auto version, read_number(db, kVersion));
  if (application != format.application) {
    return make_error(ErrorKind::kUnsupported, "is a SQLite file of another program", db.path(),
                      std::string("choose another file for the ") + format.name);
  }
  if (format.upgrade != nullptr && version == format.version - 1) return upgrade(db, format);
  if (version != format.version) {
    return make_error(ErrorKind::kUnsupported,
                      std::string("is a ") + format.name + " of version " +
                          std::to_string(version) + "; this program reads version " +
                          std::to_string(format.version),
                      db.path(), format.way_out);
  }
  return {};
}

}  // namespace vecmill
