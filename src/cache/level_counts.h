#pragma once

#include <atomic>
#include <cstdint>

#include "vecmill/cache/level.h"

namespace vecmill::cache {

struct Lookups {
  std::uint64_t found = 0, missed = 0;
};

/// What a level counts while it works, from any thread; each as in LevelStats.
struct LevelCounts {
  std::atomic<std::uint64_t> hits = 0, misses = 0, expired = 0, collisions = 0, corrupt = 0,
                             puts = 0, evicted = 0, set_aside = 0;

  /// The counts; what there is now the level knows.
  [[nodiscard]] LevelStats stats() const {
    LevelStats stats;
    stats.hits = hits;
    stats.misses = misses;
    stats.expired = expired;
    stats.collisions = collisions;
    stats.corrupt = corrupt;
    stats.puts = puts;
    stats.evicted = evicted;
    stats.set_aside = set_aside;
    return stats;
  }
};

}  // namespace vecmill::cache
