#include "vecmill/base/file_format.h"

#include <algorithm>
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

/// Null: nothing is known of that version.
const Upgrade* upgrade_from(const FileFormat& format, std::int64_t version) {
  const auto* found = std::ranges::find(format.upgrades, version, &Upgrade::from);
  return found == format.upgrades.end() || found->sql == nullptr ? nullptr : found;
}

bool can_upgrade(const FileFormat& format, std::int64_t version) {
  const bool older = version < format.version;
  while (version < format.version && upgrade_from(format, version) != nullptr) ++version;
  return older && version == format.version;
}

Status upgrade(Database& db, const FileFormat& format) {
  VECMILL_TRY(db.run("BEGIN IMMEDIATE"));
  VECMILL_ASSIGN(auto version, read_number(db, kVersion));
  if (version >= format.version) {  // another process was first, maybe a newer program
    VECMILL_TRY(db.run("ROLLBACK"));
    return prepare_file(db, format);
  }
  for (; version < format.version; ++version) {
    VECMILL_TRY(db.run(upgrade_from(format, version)->sql));
  }
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
  if (can_upgrade(format, version)) return upgrade(db, format);
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
