#include "vecmill/cache/cache_file.h"

#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/file_format.h"
#include "vecmill/base/file_system.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;

constexpr FileFormat kFormat{
    .name = "cache",
    .application = 0x564D4348,  // "VMCH"
    .version = 3,
    .tables =
        "CREATE TABLE vectors(id INTEGER PRIMARY KEY, made INTEGER, used INTEGER, row BLOB,"
        " until INTEGER);"
        "CREATE INDEX by_made ON vectors(made);"
        "CREATE INDEX by_used ON vectors(used);"
        "CREATE INDEX by_until ON vectors(until);"
        "CREATE TABLE seal(sample BLOB);"
        "CREATE TABLE days(day INTEGER PRIMARY KEY, found INTEGER, missed INTEGER)",
    .way_out = "choose another file, or remove this one",
    .upgrades = {
        {// Of rows that are there nobody knows how long they are good: the least used make room.
         {1,
          "ALTER TABLE vectors ADD COLUMN until INTEGER;"
          "CREATE INDEX by_until ON vectors(until)"},
         {2, "CREATE TABLE days(day INTEGER PRIMARY KEY, found INTEGER, missed INTEGER)"}}}};

std::uint64_t size_of(const fs::path& path) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  return failed ? 0 : size;
}

/// It does not begin as a cache: what is in it may be dear to somebody. Opened and closed before
/// SQLite has locks on it.
bool is_of_others(const fs::path& path) {
  constexpr std::string_view kSqlite = "SQLite format 3";
  constexpr std::size_t kApplicationAt = 68;
  std::ifstream file(path, std::ios::binary);
  std::string start(kApplicationAt + 4, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return file.gcount() > 0 &&
         !(start.starts_with(kSqlite) && start.substr(kApplicationAt) == "VMCH");
}

}  // namespace

Result<CacheFile> CacheFile::open(const fs::path& path, RowCodec& codec) {
  CacheFile file;
  file.path_ = path;
  VECMILL_TRY(make_private_file(path));
  std::error_code failed;
  if (!fs::exists(file.beside(".lock"), failed) && is_of_others(path)) {
    return make_error(ErrorKind::kUnsupported, "is not a cache", path.string(),
                      "choose another file for the cache");
  }
  VECMILL_ASSIGN(file.lock_, SharedLock::take(file.beside(".lock")));
  const Status ready = file.prepare(codec);
  if (ready) return file;
  if (ready.error().kind != ErrorKind::kInvalidData) return ready.error();
  VECMILL_TRY(file.set_aside(codec));
  return file;
}

Result<Database> CacheFile::connect() const { return Database::open_shared(path_, kPageBytes); }

Status CacheFile::prepare(RowCodec& codec) const {
  VECMILL_ASSIGN(Database db, connect());
  VECMILL_TRY(prepare_file(db, kFormat, [&]() -> Status {
    VECMILL_ASSIGN(Statement seal, Statement::prepare(db, "INSERT INTO seal VALUES(?)"));
    return seal.bind_blob(1, codec.sample()).execute();
  }));
  return check(db, codec);
}

Status CacheFile::check(const Database& db, RowCodec& codec) const {
  VECMILL_ASSIGN(Statement seal, Statement::prepare(db, "SELECT sample FROM seal"));
  VECMILL_ASSIGN(const bool sealed, seal.step());
  const bool header_forbids_writing = db.is_read_only() && ::access(path_.c_str(), W_OK) == 0;
  if (header_forbids_writing || !sealed || !RowCodec::is_sample(seal.blob(0))) {
    return make_error(ErrorKind::kInvalidData, "is damaged", path_.string());
  }
  if (codec.reads(seal.blob(0))) return {};
  if (codec.seals()) {
    return make_error(ErrorKind::kAuth, "is not encrypted with this key", path_.string(),
                      "give the key it was made with, or choose another file");
  }
  return make_error(ErrorKind::kAuth, "is encrypted and no key was given", path_.string(),
                    "give the key it was made with, or choose another file");
}

Status CacheFile::set_aside(RowCodec& codec) {
  if (!lock_.try_alone()) {
    return make_error(ErrorKind::kUnavailable, "is damaged, and another process uses it",
                      path_.string(), "end the other one; the next start begins a new file");
  }
  FileSystem& files = real_files();
  Status done = files.rename(path_, beside(".corrupt"));
  failpoint("cache.set_aside");
  // A log without its file would be played into the next one.
  for (const char* suffix : {"-wal", "-shm"}) {
    if (done) done = files.remove(beside(suffix));
  }
  if (done) done = files.sync_dir(folder_of(path_));
  if (done) done = make_private_file(path_);
  if (done) done = prepare(codec);
  lock_.share();
  was_set_aside_ = true;
  return done;
}

Status CacheFile::forget_damaged() const { return real_files().remove(beside(".corrupt")); }

fs::path CacheFile::beside(const char* suffix) const { return path_.string() + suffix; }
std::uint64_t CacheFile::log_bytes() const { return size_of(beside("-wal")); }
std::uint64_t CacheFile::bytes() const { return size_of(path_) + log_bytes(); }

}  // namespace vecmill::cache
