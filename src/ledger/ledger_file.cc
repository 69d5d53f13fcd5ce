#include "vecmill/ledger/ledger_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "vecmill/base/file_format.h"
#include "vecmill/base/private_file.h"
#include "vecmill/ledger/entry_row.h"

namespace vecmill::ledger {
namespace {

namespace fs = std::filesystem;

constexpr FileFormat kFormat{
    .name = "ledger",
    .application = 0x564D4C45,  // "VMLE"
    .version = 2,
    .tables =
        "CREATE TABLE calls(id INTEGER PRIMARY KEY, session INTEGER, made INTEGER, state INTEGER,"
        " provider TEXT, model TEXT, tenant TEXT, run TEXT, tags TEXT, dims INTEGER,"
        " urgent INTEGER, texts INTEGER, price INTEGER, reserved INTEGER, tokens INTEGER,"
        " cost INTEGER, uses BLOB);"
        "CREATE INDEX by_made ON calls(made);"
        "CREATE INDEX still_open ON calls(session) WHERE state=0;"
        // Too great for an integer would be a float; the ledger rather stops.
        "CREATE TABLE totals(scope TEXT, day INTEGER,"
        " spent INTEGER CHECK(typeof(spent)='integer' AND spent>=0),"
        " held INTEGER CHECK(typeof(held)='integer' AND held>=0),"
        " PRIMARY KEY(scope,day)) WITHOUT ROWID;"
        "CREATE TABLE alerts(budget TEXT, start INTEGER, level INTEGER,"
        " PRIMARY KEY(budget,start,level)) WITHOUT ROWID",
    .way_out = "use the program that wrote it, or name another file",
    .upgrades = {{{1, ""}}}};  // version 1 had no estimated calls

Result<Database> open_checked(const fs::path& path) {
  VECMILL_TRY(make_private_file(path));
  auto db = Database::open_shared(path);
  const Status ready = db ? prepare_file(*db, kFormat) : Status(tl::unexpected(db.error()));
  if (ready) return db;
  Error error = ready.error();
  if (error.kind == ErrorKind::kInvalidData && error.hint.empty())
    error.hint = "put a backup in its place, or name another file, which counts from 0";
  return error;
}

bool lock_byte(int fd, std::uint64_t at, int how, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(at);
  lock.l_len = 1;
  return ::fcntl(fd, how, &lock) == 0 && (how != F_OFD_GETLK || lock.l_type == F_UNLCK);
}

std::uint64_t random_session() {
  std::random_device random;
  return (static_cast<std::uint64_t>(random()) << 32 | random()) >> 2;
}

}  // namespace

Result<Database> open_ledger_file(const fs::path& path) { return open_checked(path); }

Result<Database> open_existing_ledger(const fs::path& path) {
  std::error_code failed;
  if (!fs::exists(path, failed)) {
    return make_error(ErrorKind::kNotFound, "there is no ledger yet", path.string(),
                      "it is begun by the first call to a provider that bills");
  }
  return open_checked(path);
}

Result<Liveness> Liveness::begin(const fs::path& path) {
  const fs::path lock_path = path.string() + ".lock";
  VECMILL_TRY(make_private_file(lock_path));
  Liveness alive;
  alive.fd_ = ::open(lock_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (alive.fd_ >= 0) {
    alive.session_ = random_session();
    if (lock_byte(alive.fd_, alive.session_, F_OFD_SETLK, F_WRLCK)) return alive;
  }
  return make_error(ErrorKind::kIo, std::string("cannot lock: ") + std::strerror(errno),
                    lock_path.string(), "choose a folder on a local disk");
}

Liveness::~Liveness() {
  if (fd_ >= 0) ::close(fd_);
}
Liveness::Liveness(Liveness&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), session_(other.session_) {}
Liveness& Liveness::operator=(Liveness&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(session_, other.session_);
  return *this;
}

bool Liveness::is_alive(std::uint64_t session) const {
  return session == session_ || !lock_byte(fd_, session, F_OFD_GETLK, F_WRLCK);
}

Result<Entry> read_entry(const Statement& row) {
  return read_entry_row([&](int column) { return static_cast<std::uint64_t>(row.number(column)); },
                        [&](int column) { return row.text(column); });
}

namespace {

class FileCalls final : public CallLog {
 public:
  explicit FileCalls(Database db) : db_(std::move(db)) {}

  Status for_each(const CallFilter& filter, const Visit& visit) override {
    const std::string sql = std::string("SELECT ") + kCallColumns +
                            (filter.with_texts ? ",uses" : "") +
                            " FROM calls WHERE made>=? AND made<? ORDER BY made,id";
    VECMILL_ASSIGN(Statement rows, Statement::prepare(db_, sql));
    const auto seconds = [](Date date) {
      return static_cast<std::uint64_t>(date.time_since_epoch().count());
    };
    rows.bind(1, seconds(filter.from)).bind(2, seconds(filter.to));
    for (;;) {
      VECMILL_ASSIGN(const bool more, rows.step());
      if (!more) return {};
      VECMILL_ASSIGN(Entry entry, read_entry(rows));
      if (filter.with_texts) entry.call.texts = texts_from_bytes(rows.blob(15));
      visit(entry);
    }
  }

 private:
  Database db_;
};

}  // namespace

Result<std::unique_ptr<CallLog>> open_file_calls(const std::string& place) {
  VECMILL_ASSIGN(Database db, open_existing_ledger(place));
  return std::make_unique<FileCalls>(std::move(db));
}

}  // namespace vecmill::ledger
