#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "vecmill/cache/cache_file.h"
#include "vecmill/cache/level.h"
#include "vecmill/cache/level_counts.h"
#include "vecmill/cache/row.h"

namespace vecmill::cache {

struct SqliteOptions {
  std::filesystem::path path;
  std::uint64_t max_bytes = std::uint64_t{10} << 30;  ///< of the file with its log
  std::chrono::seconds ttl = std::chrono::days(7);    ///< since it was put; 0: for ever
  Store store = Store::kF32;
  std::string encryption_key = {};  ///< 32 bytes: rows are sealed with AES-256-GCM; empty: plain
};

struct CleanReport {
  std::uint64_t removed = 0;
  bool more = false;  ///< there is more to remove
};

/// What may go.
struct Excess {
  std::optional<Time> made_until = {};           ///< rows put then or before
  std::optional<Time> good_until = {};           ///< rows whose time was over then
  std::uint64_t live_bytes = ~std::uint64_t{0};  ///< what the rows may take on disk
};

struct VerifyReport {
  std::uint64_t rows = 0;  ///< whole ones
  std::uint64_t dropped = 0;
  bool set_aside = false;  ///< the file itself was damaged and begun anew
};

struct Reader;
class Writer;

/// Vectors in a SQLite file, for any number of threads and processes. A use is written down once
/// an hour and row, many at a time; what has not been used for longest makes room. Each row knows
/// how long it is good, whoever looks at it with which ttl; who writes rows removes up to twice as
/// many whose time is over.
class SqliteLevel : public Level {
 public:
  ///   errors  kInvalidArgument: max_bytes below 16 MiB, a key of another length; CacheFile::open's
  static Result<std::unique_ptr<SqliteLevel>> open(const SqliteOptions& options);
  ~SqliteLevel() override;

  Status get_many(std::span<const Key> keys, Time now,
                  std::span<std::optional<Hit>> found) override;
  Status put_many(std::span<const Item> items, Time now) override;
  Status clear() override;
  [[nodiscard]] LevelStats stats() override;

  /// What all processes looked up in the file on that day (of UTC, since 1970) and later.
  Result<Lookups> lookups(std::int64_t since);

  /// Removes up to `budget` rows whose time is over, then the least used while less than 5 % of the
  /// limit is free: for the background, in small steps.
  Result<CleanReport> clean(std::uint64_t budget, Time now);

  /// Removes up to `budget` rows: those of that age or whose time is over, then the least used.
  Result<CleanReport> prune(std::uint64_t budget, const Excess& excess);

  /// Reads every row and drops the damaged ones.
  Result<VerifyReport> verify();

  /// Gives free space back to the disk; needs as much again while it runs.
  Status compact();

  /// A codec of its own that reads and writes the rows of this file.
  [[nodiscard]] Result<RowCodec> codec() const;

  /// Hands over all whole rows, in the order of their keys. Rows that are put meanwhile may be
  /// missing. Stops at the first error.
  Status scan(const std::function<Status(const RowCodec::Row& row, Time made)>& use);

 private:
  struct Use {
    std::int64_t id;
    std::int64_t hour;
  };
  struct Found;
  struct Raw;

  SqliteLevel(SqliteOptions options, CacheFile file);

  Status connect();
  Result<std::unique_ptr<Reader>> take_reader();
  void give_back(std::unique_ptr<Reader> reader);
  std::shared_lock<std::shared_mutex> enter();
  std::unique_lock<std::shared_mutex> enter_alone();
  Status read(std::span<const Key> keys, Time now, std::span<std::optional<Hit>> found,
              Found& notes);
  Status read_one(Reader& reader, const Key& key, Time now, std::optional<Hit>& found,
                  Found& notes);
  Result<std::vector<Raw>> read_rows_from(std::int64_t id);
  Status walk(const std::function<Status(const Raw& raw)>& use);

  template <class Act>
  Status as_writer(Act act);
  Status write_rows(std::span<const Item> items, Time now);
  [[nodiscard]] Result<std::uint64_t> erase(Statement& which, Time time, std::uint64_t rows);
  Result<std::uint64_t> evict(std::uint64_t rows);
  Status make_room(std::uint64_t bytes);
  Status note(std::vector<Use> uses, const Lookups& lookups, Time now);
  Status write_lookups();
  Status write_uses();
  Status drop(std::span<const std::int64_t> ids);
  Status checkpoint();
  Status checkpoint_if_long();
  Status replace_damaged();
  Status replace_damaged_of(std::uint64_t generation);

  [[nodiscard]] std::int64_t good_until(Time made) const;
  [[nodiscard]] bool is_expired(Time made, Time now) const;
  [[nodiscard]] std::uint64_t log_limit() const;
  [[nodiscard]] std::uint64_t live_limit() const;

  const SqliteOptions options_;
  CacheFile file_;

  std::mutex turn_;         ///< held by who waits for the gate, so that readers let him in
  std::shared_mutex gate_;  ///< shared: reads the file; alone: replaces it or empties its log
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> readers_;  ///< idle ones

  std::mutex writer_mutex_;  ///< taken before the gate
  std::unique_ptr<Writer> writer_;
  std::atomic<std::uint64_t> generation_ = 0;  ///< of the file: how often it was replaced

  std::mutex uses_mutex_;  ///< over what is still to be written
  std::vector<Use> uses_;
  Lookups lookups_;
  std::int64_t day_ = 0;  ///< of the last of them

  LevelCounts counts_;
};

}  // namespace vecmill::cache
