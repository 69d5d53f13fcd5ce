#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vecmill/cache/level.h"
#include "vecmill/cache/level_counts.h"
#include "vecmill/cache/row.h"
#include "vecmill/result.h"

namespace vecmill::cache {

struct ServerLevelOptions {
  std::chrono::seconds ttl = std::chrono::days(7);  ///< since it was put; 0: for ever
  Store store = Store::kF32;
  std::string encryption_key = {};  ///< 32 bytes: rows are sealed with AES-256-GCM; empty: plain
};

/// Vectors in a server that several machines share: what a row holds, and which is believed. Who
/// derives reads and writes rows. `rows`, `bytes` and `max_bytes` of its stats are 0. A server that
/// is away is an error of `get_many` and `put_many`, after a bounded wait.
class ServerLevel : public Level {
 public:
  Status get_many(std::span<const Key> keys, Time now, std::span<std::optional<Hit>> found) final;
  Status put_many(std::span<const Item> items, Time now) final;
  [[nodiscard]] LevelStats stats() final { return counts_.stats(); }

 protected:
  using Names = std::span<const std::string>;  ///< Key::name

  /// What a server keeps: a row of RowCodec, when it was made (u64, seconds), XXH3-64 of all before
  /// (u64), little-endian.
  struct Row {
    std::string name, value;
    std::optional<Time> expires;
  };

  ServerLevel(const ServerLevelOptions& options, RowCodec codec)
      : ttl_(options.ttl), codec_(std::move(codec)) {}

  /// The values of at most 256 names, in their order.
  virtual Result<std::vector<std::optional<std::string>>> read(Names names, Time now) = 0;
  /// Some 4 MiB at once.
  virtual Status write(std::span<const Row> rows, Time now) = 0;
  /// Damaged rows. Whether they go or stay: they are misses.
  virtual void drop(Names names) = 0;

  LevelCounts counts_;

 private:
  [[nodiscard]] bool is_expired(Time made, Time now) const {
    return ttl_.count() > 0 && made + ttl_ <= now;
  }
  Status get_some(std::span<const Key> keys, Time now, std::span<std::optional<Hit>> found,
                  std::span<const std::size_t> places);
  bool read_value(std::string_view value, const Key& key, Time now, std::optional<Hit>& found);
  std::string value_of(const Item& item);
  Status write_counted(std::vector<Row>& rows, Time now);

  const std::chrono::seconds ttl_;
  std::mutex codec_mutex_;
  RowCodec codec_;
};

}  // namespace vecmill::cache
