#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/base/file_system.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"

namespace vecmill::sink {

/// What an output is: two runs may share a file only if all of it but the model's name is equal.
struct Identity {
  SpaceInfo info;
  std::string store;  ///< "f32" or "f16"
};

/// Empty when they agree; else kMismatch at `where` naming both.
Status check_same(const Identity& found, const Identity& wanted, const std::string& where);

struct Counts {
  std::uint64_t rows = 0;
  std::uint64_t failed = 0;
  std::uint64_t truncated = 0;
  std::uint64_t degraded = 0;  ///< of `rows`, those of another model
};

/// The durable state of an unfinished output: everything up to `sizes` of its files is on the disk.
struct Checkpoint {
  Identity identity;
  Counts counts;
  bool finished = false;  ///< the files are whole, only their final names may be missing
  std::string position;
  std::vector<std::uint64_t> sizes;  ///< of each file, in the order of the sink
};

[[nodiscard]] std::string to_text(const Checkpoint& checkpoint);
///   errors  kInvalidData at `where` when damaged
Result<Checkpoint> parse_checkpoint(const std::string& text, const std::string& where);

/// X.meta.json: the identity and the counts, the same for the same input.
[[nodiscard]] std::string meta_text(const Identity& identity, const Counts& counts);
struct Meta {
  Identity identity;
  Counts counts;
};
///   errors  kInvalidData at `where`
Result<Meta> parse_meta(const std::string& text, const std::string& where);

/// The identity alone, a JSON object, for places that count by themselves.
[[nodiscard]] std::string identity_text(const Identity& identity);
///   errors  kInvalidData at `where`
Result<Identity> parse_identity(const std::string& text, const std::string& where);

}  // namespace vecmill::sink
