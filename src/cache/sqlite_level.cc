#include "vecmill/cache/sqlite_level.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/cache/connections.h"

namespace vecmill::cache {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kMinBytes = 16 * kMiB;
constexpr std::size_t kCommitRows = 128;
constexpr std::size_t kWalkRows = 256;
constexpr std::size_t kEvictRows = 32;
constexpr std::size_t kMaxUses = 1024;

std::int64_t id_of(const Key& key) { return static_cast<std::int64_t>(key.prefix()); }
std::int64_t seconds_of(Time time) { return time.time_since_epoch().count(); }
std::int64_t hour_of(Time time) { return seconds_of(time) / 3600; }
std::int64_t day_of(Time time) { return hour_of(time) / 24; }

}  // namespace

/// What a batch of look-ups leaves to be written.
struct SqliteLevel::Found {
  std::vector<Use> uses;
  std::vector<std::int64_t> damaged;
  std::uint64_t hits = 0;
  std::uint64_t generation = 0;  ///< of the file that was read
};

struct SqliteLevel::Raw {
  std::int64_t id = 0;
  Time made;
  std::string row;
};

SqliteLevel::SqliteLevel(SqliteOptions options, CacheFile file)
    : options_(std::move(options)), file_(std::move(file)) {
  if (file_.was_set_aside()) ++counts_.set_aside;
}

SqliteLevel::~SqliteLevel() {
  (void)as_writer([this] { return write_uses(); });
}

Result<std::unique_ptr<SqliteLevel>> SqliteLevel::open(const SqliteOptions& options) {
  if (options.max_bytes < kMinBytes) {
    return make_error(ErrorKind::kInvalidArgument, "a cache file needs 16 MiB at least",
                      options.path.string(), "raise its limit");
  }
  VECMILL_ASSIGN(RowCodec codec, RowCodec::make(options.store, options.encryption_key));
  VECMILL_ASSIGN(CacheFile file, CacheFile::open(options.path, codec));
  std::unique_ptr<SqliteLevel> level(new SqliteLevel(options, std::move(file)));
  Status ready = level->connect();
  if (!ready && ready.error().kind == ErrorKind::kInvalidData) ready = level->replace_damaged();
  VECMILL_TRY(std::move(ready));
  return level;
}

Result<RowCodec> SqliteLevel::codec() const {
  return RowCodec::make(options_.store, options_.encryption_key);
}

Status SqliteLevel::connect() {
  VECMILL_ASSIGN(Database db, file_.connect());
  VECMILL_ASSIGN(RowCodec rows, codec());
  auto writer = std::make_unique<Writer>(std::move(db), std::move(rows));
  VECMILL_TRY(writer->open());
  writer_ = std::move(writer);
  return {};
}

// ---- reading

std::shared_lock<std::shared_mutex> SqliteLevel::enter() {
  const std::lock_guard turn(turn_);
  return std::shared_lock(gate_);
}

std::unique_lock<std::shared_mutex> SqliteLevel::enter_alone() {
  const std::lock_guard turn(turn_);
  return std::unique_lock(gate_);
}

Result<std::unique_ptr<Reader>> SqliteLevel::take_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (!readers_.empty()) {
      auto reader = std::move(readers_.back());
      readers_.pop_back();
      return reader;
    }
  }
  VECMILL_ASSIGN(Database db, file_.connect());
  VECMILL_ASSIGN(RowCodec rows, codec());
  auto reader = std::make_unique<Reader>(std::move(db), std::move(rows));
  VECMILL_TRY(reader->open());
  return reader;
}

void SqliteLevel::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(readers_mutex_);
  readers_.push_back(std::move(reader));
}

Status SqliteLevel::get_many(std::span<const Key> keys, Time now,
                             std::span<std::optional<Hit>> found) {
  Found notes;
  const auto wanted = static_cast<std::uint64_t>(
      std::count_if(found.begin(), found.end(), [](const auto& hit) { return !hit; }));
  const Status done = read(keys, now, found, notes);
  counts_.hits += notes.hits;
  counts_.misses += wanted - notes.hits;
  if (!done) {
    if (done.error().kind != ErrorKind::kInvalidData) return done.error();
    return replace_damaged_of(notes.generation);
  }
  if (!notes.damaged.empty()) {
    counts_.corrupt += notes.damaged.size();
    VECMILL_TRY(as_writer([&] { return drop(notes.damaged); }));
  }
  return note(std::move(notes.uses), {notes.hits, wanted - notes.hits}, now);
}

Status SqliteLevel::read(std::span<const Key> keys, Time now, std::span<std::optional<Hit>> found,
                         Found& notes) {
  const auto inside = enter();
  notes.generation = generation_;
  VECMILL_ASSIGN(auto reader, take_reader());
  VECMILL_TRY(reader->begin.execute());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!found[i]) VECMILL_TRY(read_one(*reader, keys[i], now, found[i], notes));
  }
  VECMILL_TRY(reader->end.execute());
  give_back(std::move(reader));
  return {};
}

Status SqliteLevel::read_one(Reader& reader, const Key& key, Time now, std::optional<Hit>& found,
                             Found& notes) {
  Statement& select = reader.select;
  VECMILL_ASSIGN(const bool row, select.bind(1, key.prefix()).step());
  if (row) {
    const Time made{std::chrono::seconds(select.number(0))};
    Hit hit{{}, made};
    if (is_expired(made, now)) {
      ++counts_.expired;
    } else {
      switch (reader.codec.decode(select.blob(2), key, hit.value)) {
        case RowCodec::Verdict::kHit:
          ++notes.hits;
          if (select.number(1) < hour_of(now)) notes.uses.push_back({id_of(key), hour_of(now)});
          found = std::move(hit);
          break;
        case RowCodec::Verdict::kOther: ++counts_.collisions; break;
        case RowCodec::Verdict::kDamaged: notes.damaged.push_back(id_of(key)); break;
      }
    }
  }
  select.reset();
  return {};
}

std::int64_t SqliteLevel::good_until(Time made) const {
  constexpr std::int64_t kForEver = std::numeric_limits<std::int64_t>::max();
  return options_.ttl.count() > 0 ? seconds_of(made + options_.ttl) : kForEver;
}

bool SqliteLevel::is_expired(Time made, Time now) const {
  return options_.ttl.count() > 0 && made + options_.ttl <= now;
}

Result<std::vector<SqliteLevel::Raw>> SqliteLevel::read_rows_from(std::int64_t id) {
  const auto inside = enter();
  VECMILL_ASSIGN(auto reader, take_reader());
  std::vector<Raw> rows;
  reader->walk.bind(1, static_cast<std::uint64_t>(id)).bind(2, std::uint64_t{kWalkRows});
  for (;;) {
    VECMILL_ASSIGN(const bool row, reader->walk.step());
    if (!row) break;
    rows.push_back({reader->walk.number(0), Time(std::chrono::seconds(reader->walk.number(1))),
                    std::string(reader->walk.blob(2))});
  }
  reader->walk.reset();
  give_back(std::move(reader));
  return rows;
}

Status SqliteLevel::walk(const std::function<Status(const Raw& raw)>& use) {
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  for (;;) {
    VECMILL_ASSIGN(const auto rows, read_rows_from(from));
    for (const Raw& raw : rows) VECMILL_TRY(use(raw));
    if (rows.size() < kWalkRows) return {};
    if (rows.back().id == std::numeric_limits<std::int64_t>::max()) return {};
    from = rows.back().id + 1;
  }
}

Status SqliteLevel::scan(const std::function<Status(const RowCodec::Row& row, Time made)>& use) {
  VECMILL_ASSIGN(RowCodec rows, codec());
  return walk([&](const Raw& raw) -> Status {
    const auto row = rows.decode(raw.row);
    if (!row || id_of(row->key) != raw.id) return {};
    return use(*row, raw.made);
  });
}

Result<VerifyReport> SqliteLevel::verify() {
  VerifyReport report;
  const std::uint64_t generation = generation_;
  const Status whole = [&]() -> Status {
    const auto inside = enter();
    VECMILL_ASSIGN(auto reader, take_reader());
    VECMILL_ASSIGN(Statement check, Statement::prepare(reader->db, "PRAGMA integrity_check(1)"));
    VECMILL_ASSIGN(const bool row, check.step());
    if (row && check.text(0) == "ok") return {};
    return make_error(ErrorKind::kInvalidData, "is damaged", options_.path.string());
  }();
  VECMILL_ASSIGN(RowCodec rows, codec());
  std::vector<std::int64_t> damaged;
  const Status done = !whole ? whole : walk([&](const Raw& raw) -> Status {
    const auto row = rows.decode(raw.row);
    if (row && id_of(row->key) == raw.id) {
      ++report.rows;
    } else {
      damaged.push_back(raw.id);
    }
    return {};
  });
  if (!done) {
    if (done.error().kind != ErrorKind::kInvalidData) return done.error();
    VECMILL_TRY(replace_damaged_of(generation));
    return VerifyReport{0, 0, true};
  }
  counts_.corrupt += damaged.size();
  report.dropped = damaged.size();
  VECMILL_TRY(as_writer([&] { return drop(damaged); }));
  return report;
}

// ---- writing

template <class Act>
Status SqliteLevel::as_writer(Act act) {
  const std::lock_guard lock(writer_mutex_);
  if (!writer_) {
    return make_error(ErrorKind::kUnavailable, "is damaged and could not be replaced",
                      options_.path.string(), "remove it, or choose another file");
  }
  const auto try_once = [&]() -> Status {
    Status done = act();
    if (!done) (void)writer_->db.run("ROLLBACK");  // fails when none is open
    return done;
  };
  Status done = try_once();
  if (done || done.error().kind != ErrorKind::kInvalidData) return done;
  VECMILL_TRY(replace_damaged());
  return try_once();  // what was done is gone with the old file
}

Status SqliteLevel::put_many(std::span<const Item> items, Time now) {
  return as_writer([&]() -> Status {
    std::size_t first = 0;
    while (first < items.size()) {
      std::size_t last = first;
      std::uint64_t bytes = 0;
      while (last < items.size() && last - first < kCommitRows && bytes < log_limit() / 4) {
        bytes += items[last++].value->vector.size() * sizeof(float);
      }
      VECMILL_TRY(write_rows(items.subspan(first, last - first), now));
      first = last;
    }
    return write_uses();
  });
}

Status SqliteLevel::write_rows(std::span<const Item> items, Time now) {
  VECMILL_TRY(writer_->db.run("BEGIN IMMEDIATE"));
  VECMILL_TRY(erase(writer_->expire, now, 2 * items.size()));
  std::string row;
  std::uint64_t kept = 0;
  for (const Item& item : items) {
    writer_->codec.encode(item, row);
    if (row.size() > log_limit() / 2) continue;
    // A row fills at most twice its bytes in pages, and splits a few pages of the tables.
    VECMILL_TRY(make_room(2 * row.size() + std::uint64_t{8} * kPageBytes));
    VECMILL_TRY(writer_->put.bind(1, item.key.prefix())
                    .bind(2, static_cast<std::uint64_t>(seconds_of(item.made)))
                    .bind(3, static_cast<std::uint64_t>(hour_of(now)))
                    .bind_blob(4, row)
                    .bind(5, static_cast<std::uint64_t>(good_until(item.made)))
                    .execute());
    ++kept;
  }
  VECMILL_TRY(write_lookups());
  failpoint("cache.put");
  VECMILL_TRY(writer_->db.run("COMMIT"));
  failpoint("cache.commit");
  counts_.puts += kept;
  return checkpoint_if_long();
}

Result<std::uint64_t> SqliteLevel::erase(Statement& which, Time time, std::uint64_t rows) {
  which.bind(1, static_cast<std::uint64_t>(seconds_of(time)));
  VECMILL_TRY(which.bind(2, rows).execute());
  return writer_->count_changes();
}

Result<std::uint64_t> SqliteLevel::evict(std::uint64_t rows) {
  VECMILL_TRY(writer_->evict.bind(1, rows).execute());
  VECMILL_ASSIGN(const std::uint64_t gone, writer_->count_changes());
  counts_.evicted += gone;
  return gone;
}

Status SqliteLevel::make_room(std::uint64_t bytes) {
  for (;;) {
    VECMILL_ASSIGN(const std::uint64_t live, writer_->live_bytes());
    if (live + bytes <= live_limit()) return {};
    VECMILL_ASSIGN(const std::uint64_t gone, evict(kEvictRows));
    if (gone == 0) return {};
  }
}

Result<CleanReport> SqliteLevel::clean(std::uint64_t budget, Time now) {
  return prune(budget, {.good_until = now, .live_bytes = live_limit() / 20 * 19});
}

Result<CleanReport> SqliteLevel::prune(std::uint64_t budget, const Excess& excess) {
  CleanReport report;
  const auto remove = [&]() -> Status {
    report = {};
    VECMILL_TRY(write_uses());
    VECMILL_TRY(writer_->db.run("BEGIN IMMEDIATE"));
    if (excess.made_until) {
      VECMILL_ASSIGN(report.removed, erase(writer_->forget, *excess.made_until, budget));
    }
    if (excess.good_until) {
      VECMILL_ASSIGN(const std::uint64_t gone,
                     erase(writer_->expire, *excess.good_until, budget - report.removed));
      report.removed += gone;
    }
    VECMILL_ASSIGN(std::uint64_t live, writer_->live_bytes());
    while (live > excess.live_bytes && report.removed < budget) {
      VECMILL_ASSIGN(const auto gone,
                     evict(std::min(budget - report.removed, std::uint64_t{kEvictRows})));
      if (gone == 0) break;
      report.removed += gone;
      VECMILL_ASSIGN(live, writer_->live_bytes());
    }
    report.more = report.removed == budget;
    VECMILL_TRY(writer_->db.run("COMMIT"));
    return checkpoint_if_long();
  };
  VECMILL_TRY(as_writer(remove));
  return report;
}

Status SqliteLevel::note(std::vector<Use> uses, const Lookups& lookups, Time now) {
  {
    const std::lock_guard lock(uses_mutex_);
    lookups_.found += lookups.found;
    lookups_.missed += lookups.missed;
    day_ = day_of(now);
    uses_.insert(uses_.end(), uses.begin(), uses.end());
    if (uses_.size() < kMaxUses) return {};
  }
  return as_writer([this] { return write_uses(); });
}

/// Within a transaction.
Status SqliteLevel::write_lookups() {
  const std::lock_guard lock(uses_mutex_);
  const Lookups counted = std::exchange(lookups_, {});
  if (counted.found + counted.missed == 0) return {};
  return writer_->note.bind(1, static_cast<std::uint64_t>(day_))
      .bind(2, counted.found)
      .bind(3, counted.missed)
      .execute();
}

Status SqliteLevel::write_uses() {
  std::vector<Use> uses;
  {
    const std::lock_guard lock(uses_mutex_);
    uses.swap(uses_);
    if (uses.empty() && lookups_.found + lookups_.missed == 0) return {};
  }
  VECMILL_TRY(writer_->db.run("BEGIN IMMEDIATE"));
  VECMILL_TRY(write_lookups());
  for (const Use& use : uses) {
    writer_->use.bind(1, static_cast<std::uint64_t>(use.id));
    VECMILL_TRY(writer_->use.bind(2, static_cast<std::uint64_t>(use.hour)).execute());
  }
  VECMILL_TRY(writer_->db.run("COMMIT"));
  return checkpoint_if_long();
}

Status SqliteLevel::drop(std::span<const std::int64_t> ids) {
  VECMILL_TRY(writer_->db.run("BEGIN IMMEDIATE"));
  for (const std::int64_t id : ids) {
    VECMILL_TRY(writer_->drop.bind(1, static_cast<std::uint64_t>(id)).execute());
  }
  return writer_->db.run("COMMIT");
}

// ---- the file as a whole

std::uint64_t SqliteLevel::log_limit() const {
  return std::clamp(options_.max_bytes / 64, kMiB, 64 * kMiB);
}

std::uint64_t SqliteLevel::live_limit() const {
  return options_.max_bytes - 2 * log_limit() - 2 * kMiB;
}

Status SqliteLevel::checkpoint() {
  const auto alone = enter_alone();
  return writer_->db.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

Status SqliteLevel::checkpoint_if_long() {
  return file_.log_bytes() > log_limit() ? checkpoint() : Status();
}

Status SqliteLevel::compact() {
  return as_writer([this]() -> Status {
    VECMILL_TRY(writer_->db.run("VACUUM"));
    return checkpoint();
  });
}

Status SqliteLevel::clear() {
  return as_writer([this]() -> Status {
    {
      const std::lock_guard lock(uses_mutex_);
      uses_.clear();
      lookups_ = {};
    }
    VECMILL_TRY(writer_->db.run("DELETE FROM vectors; DELETE FROM days; VACUUM"));
    VECMILL_TRY(checkpoint());
    return file_.forget_damaged();
  });
}

Status SqliteLevel::replace_damaged_of(std::uint64_t generation) {
  const std::lock_guard lock(writer_mutex_);
  return generation == generation_ ? replace_damaged() : Status();
}

Status SqliteLevel::replace_damaged() {
  const auto alone = enter_alone();
  {
    const std::lock_guard lock(readers_mutex_);
    readers_.clear();
  }
  writer_.reset();
  VECMILL_ASSIGN(RowCodec rows, codec());
  VECMILL_TRY(file_.set_aside(rows));
  ++generation_;
  ++counts_.set_aside;
  return connect();
}

Result<Lookups> SqliteLevel::lookups(std::int64_t since) {
  Lookups all;
  const auto read_all = [&]() -> Status {
    VECMILL_TRY(write_uses());
    VECMILL_ASSIGN(all, writer_->lookups(since));
    return {};
  };
  VECMILL_TRY(as_writer(read_all));
  return all;
}

LevelStats SqliteLevel::stats() {
  LevelStats stats = counts_.stats();
  stats.bytes = file_.bytes();
  stats.max_bytes = options_.max_bytes;
  (void)as_writer([&]() -> Status {
    VECMILL_ASSIGN(stats.rows, writer_->count_rows());
    return {};
  });
  return stats;
}

}  // namespace vecmill::cache
