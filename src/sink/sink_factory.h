#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "vecmill/base/file_system.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"

namespace vecmill::sink {

enum class Store : std::uint8_t { kF32, kF16 };

struct SinkOptions {
  bool resume = false;
  Store store = Store::kF32;
  FileSystem* files = nullptr;  ///< null: the real one; SQLite itself always uses that
};

struct Opened {
  std::unique_ptr<Sink> sink;           ///< null when `complete`
  std::optional<std::string> position;  ///< of the source: go on from here; none: from the start
  std::uint64_t rows_done = 0;          ///< already durable
  std::uint64_t rows_failed = 0;        ///< already durable, of texts that failed
  bool complete = false;                ///< resume only: the output is finished, nothing to do
};

/// Opens `out` (.npy, .jsonl or .db by its extension) for one run and locks it against a second.
/// Nothing under a final name changes before `finish`; until then everything is in files with
/// ".partial" behind their names. `finish` after a resume gives the bytes of an uninterrupted run.
///   errors  kInvalidArgument: unknown extension; sparse or multi-vectors into a .npy; output or an
///   unfinished run exists (no resume)
///           kMismatch: what exists is of another space, arithmetic or store; both are named
///           kIo: unwritable, disk full, or another run holds the output
Result<Opened> open(const std::string& out, const SpaceInfo& info, const SinkOptions& options);

}  // namespace vecmill::sink
