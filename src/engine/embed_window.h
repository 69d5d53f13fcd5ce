#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/engine/worker_pool.h"
#include "vecmill/provider.h"
#include "vecmill/record.h"
#include "vecmill/sink.h"

namespace vecmill::engine {

/// Records that are embedded together: enough to keep every core busy and to sort by length.
struct Window {
  std::vector<Record> records;
  std::string position;  ///< of the source, behind the last record
  std::uint64_t bytes = 0;
  bool hash_texts = false;  ///< for OutputRow::text_hash
};

struct EmbeddedWindow {
  std::vector<OutputRow> rows;  ///< in input order; skipped texts have none
  std::string position;
  std::uint64_t bytes = 0;
  std::uint64_t tokens = 0, embedded = 0, failed = 0, skipped = 0, empty = 0;
  std::uint64_t cached = 0, shared = 0;  ///< of those embedded, see VectorOrigin
  std::size_t records = 0;     ///< of the window that all of this is about: those before `fatal`
  std::optional<Error> fatal;  ///< no text's fault (key, limit, server): the run ends with it
};

/// Embeds a window over all threads of the pool: batches of similar length, longest first, results
/// in the order of the input. One bad text fails alone.
EmbeddedWindow embed_window(Window window, const EmbedJob& job, Provider& provider,
                            WorkerPool& pool);

/// The embedding part alone: one result per record, in order. `job.empty` is not looked at.
std::vector<Result<Embedding>> embed_records(std::span<const Record> records, const EmbedJob& job,
                                             Provider& provider, WorkerPool& pool);

/// Whether a text has nothing but white space.
[[nodiscard]] bool is_blank(std::string_view text);

}  // namespace vecmill::engine
