#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "vecmill/result.h"
#include "vecmill/source.h"

namespace vecmill::source {

struct SourceOptions {
  std::string id_field;     ///< empty: found by itself in the first record of each file
  std::string text_field;   ///< empty: likewise
  bool whole_file = false;  ///< a .txt file is one text, not one a line
  std::string format;       ///< txt, jsonl, csv or tsv; empty: by extension, lines for "-"
  std::uint64_t max_text_bytes = std::uint64_t{64} << 20;  ///< of a line, CSV record or whole file
};

/// One source over several inputs in the order given: files (.txt .jsonl .csv .tsv), folders (their
/// supported files, recursively, in sorted order) and "-" (standard input, once). Texts and ids are
/// exactly as in the input; all other fields of a record become its metadata. An id without a field
/// is "path:line". An id that occurs twice in all inputs together is an error (18 to 37 bytes a
/// record are kept to see it). `seek` reads up to the position and checks that the input is
/// unchanged.
///   errors  kNotFound, kIo, kInvalidArgument (unknown extension or format) naming the input;
///           from next(): kInvalidData naming file and line, also when there is no record at all
Result<std::unique_ptr<Source>> open(std::span<const std::string> inputs,
                                     const SourceOptions& options);

}  // namespace vecmill::source
