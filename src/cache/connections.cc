#include "vecmill/cache/connections.h"

#include <utility>

#include "vecmill/cache/cache_file.h"

namespace vecmill::cache {
namespace {

// The log is emptied when we say, and each connection may use 8 MiB of memory.
constexpr const char* kSettings = "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-8192";

Status prepare(const Database& db, const char* sql, Statement& out) {
  VECMILL_ASSIGN(out, Statement::prepare(db, sql));
  return {};
}

}  // namespace

Reader::Reader(Database connection, RowCodec rows)
    : db(std::move(connection)), codec(std::move(rows)) {}

Status Reader::open() {
  VECMILL_TRY(db.run(kSettings));
  VECMILL_TRY(prepare(db, "BEGIN", begin));
  VECMILL_TRY(prepare(db, "COMMIT", end));
  VECMILL_TRY(prepare(db, "SELECT made, used, row FROM vectors WHERE id=?", select));
  return prepare(db, "SELECT id, made, row FROM vectors WHERE id>=? ORDER BY id LIMIT ?", walk);
}

Writer::Writer(Database connection, RowCodec rows)
    : db(std::move(connection)), codec(std::move(rows)) {}

Status Writer::open() {
  VECMILL_TRY(db.run(kSettings));
  VECMILL_TRY(prepare(db, "INSERT OR REPLACE INTO vectors VALUES(?,?,?,?,?)", put));
  VECMILL_TRY(prepare(db, "UPDATE vectors SET used=?2 WHERE id=?1 AND used<?2", use));
  VECMILL_TRY(prepare(db, "DELETE FROM vectors WHERE id=?", drop));
  VECMILL_TRY(prepare(
      db, "DELETE FROM vectors WHERE id IN (SELECT id FROM vectors ORDER BY used LIMIT ?)", evict));
  VECMILL_TRY(prepare(db,
                      "DELETE FROM vectors WHERE id IN"
                      " (SELECT id FROM vectors WHERE made<=? ORDER BY made LIMIT ?)",
                      forget));
  VECMILL_TRY(prepare(db,
                      "DELETE FROM vectors WHERE id IN"
                      " (SELECT id FROM vectors WHERE until<=? ORDER BY until LIMIT ?)",
                      expire));
  VECMILL_TRY(prepare(db,
                      "INSERT INTO days VALUES(?1,?2,?3) ON CONFLICT(day)"
                      " DO UPDATE SET found=found+?2, missed=missed+?3",
                      note));
  VECMILL_TRY(prepare(db, "SELECT sum(found), sum(missed) FROM days WHERE day>=?", lookups_));
  VECMILL_TRY(prepare(db, "SELECT changes()", changes_));
  VECMILL_TRY(prepare(db, "PRAGMA page_count", pages_));
  VECMILL_TRY(prepare(db, "PRAGMA freelist_count", free_pages_));
  return prepare(db, "SELECT count(*) FROM vectors", rows_);
}

Result<std::uint64_t> Writer::live_bytes() {
  VECMILL_ASSIGN(const std::uint64_t pages, number(pages_));
  VECMILL_ASSIGN(const std::uint64_t free_pages, number(free_pages_));
  return (pages - free_pages) * kPageBytes;
}

Result<Lookups> Writer::lookups(std::int64_t since) {
  VECMILL_TRY(lookups_.bind(1, static_cast<std::uint64_t>(since)).step());
  const Lookups all{static_cast<std::uint64_t>(lookups_.number(0)),
                    static_cast<std::uint64_t>(lookups_.number(1))};
  lookups_.reset();
  return all;
}

Result<std::uint64_t> Writer::number(Statement& statement) {
  VECMILL_ASSIGN(const bool row, statement.step());
  const auto value = row ? static_cast<std::uint64_t>(statement.number(0)) : 0;
  statement.reset();
  return value;
}

}  // namespace vecmill::cache
