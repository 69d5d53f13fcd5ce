#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vecmill/cache/key.h"
#include "vecmill/provider.h"
#include "vecmill/result.h"

namespace vecmill::cache {

/// Handed in with each call; nothing in here reads a clock.
using Time = std::chrono::sys_seconds;

/// What a level keeps of a text. Only dense vectors are kept.
struct Item {
  Key key;
  const Embedding* value = nullptr;
  Time made;  ///< age counts from here, also when one level hands it to another
};

struct Hit {
  Embedding value;
  Time made;
};

/// How often things happened since the level was opened, and what there is now.
struct LevelStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;      ///< all of them, whatever the reason
  std::uint64_t expired = 0;     ///< misses because of age
  std::uint64_t collisions = 0;  ///< misses because another text has this place
  std::uint64_t corrupt = 0;     ///< misses because the row was damaged; it was dropped
  std::uint64_t puts = 0;
  std::uint64_t evicted = 0;    ///< rows that made room for others
  std::uint64_t set_aside = 0;  ///< damaged files that were renamed and begun anew
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;      ///< of memory or disk, overhead included
  std::uint64_t max_bytes = 0;  ///< `bytes` is never above it
};

/// A place that keeps vectors by key: memory, a SQLite file, a server. Safe from any
/// thread.
class Level {
 public:
  virtual ~Level() = default;

  /// Fills those of `found` that are empty and known; [keys.size()], in the order of `keys`. A
  /// row that is expired, damaged or another text's is a miss.
  ///   errors  kIo, kUnavailable: the level cannot be read now
  virtual Status get_many(std::span<const Key> keys, Time now,
                          std::span<std::optional<Hit>> found) = 0;

  /// Keeps vectors; durable on return where the level is. What does not fit pushes out what was
  /// not used for longest.
  ///   errors  kIo, kUnavailable: nothing or a part was kept
  virtual Status put_many(std::span<const Item> items, Time now) = 0;

  /// Forgets everything; no file holds any of it. Freed blocks of the disk are not written over.
  virtual Status clear() = 0;

  [[nodiscard]] virtual LevelStats stats() = 0;
};

}  // namespace vecmill::cache
