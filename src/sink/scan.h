#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/sink/checkpoint.h"

namespace vecmill::sink {

/// A row of a finished output, with what was asked for of it; the rest is empty.
struct ScannedRow {
  std::string id;
  std::vector<float> vector;
  SparseVector sparse;
  std::vector<float> multivector;  ///< [n, multivector_dims]
};
using EachRow = std::function<Status(const ScannedRow&)>;

/// What a finished output says of itself.
///   errors  kNotFound, kIo, kInvalidData; kInvalidArgument: no output by its extension
Result<Meta> read_description(const std::string& path);

/// Calls `each` for every row of a finished .jsonl or .db, in order and with one row in memory.
/// Those that another model made are left out.
///   wanted  what to read; the output has it
///   errors  kIo; kInvalidData: damaged, or other rows than its description says; those of `each`
Status scan_jsonl(const std::string& path, const Meta& meta, const Outputs& wanted,
                  const EachRow& each);
Status scan_database(const std::string& path, const Meta& meta, const Outputs& wanted,
                     const EachRow& each);

/// The one of the two that the extension asks for.
Status scan_rows(const std::string& path, const Meta& meta, const Outputs& wanted,
                 const EachRow& each);

/// kInvalidData unless both are the same.
Status check_count(std::uint64_t found, std::uint64_t wanted, const std::string& where);

/// Calls `each(line, where)` for every line of `text`, which must be UTF-8.
Status for_lines(std::string_view text, const std::string& name,
                 const std::function<Status(std::string_view, const std::string&)>& each);

}  // namespace vecmill::sink
