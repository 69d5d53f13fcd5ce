#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "vecmill/cache/level.h"

namespace vecmill::cache {

struct MemoryOptions {
  std::uint64_t max_bytes = std::uint64_t{256} << 20;  ///< of all that the level allocates
  std::chrono::seconds ttl = std::chrono::days(7);     ///< since it was put; 0: for ever
};

/// Vectors in this process, in 16 parts with a lock each; each part pushes out by itself what was
/// not used for long (second chance).
///   errors  kInvalidArgument: max_bytes below 1 MiB
Result<std::unique_ptr<Level>> make_memory_level(const MemoryOptions& options);

}  // namespace vecmill::cache
