#pragma once

#include <filesystem>
#include <memory>

#include "vecmill/queue/queue.h"
#include "vecmill/result.h"

namespace vecmill::queue {

/// A queue in one SQLite file of this user's, for the processes of one machine.
///   errors  kIo, kUnsupported: of another version or program, kInvalidData: damaged
Result<std::unique_ptr<Queue>> open_sqlite_queue(const std::filesystem::path& path);

}  // namespace vecmill::queue
