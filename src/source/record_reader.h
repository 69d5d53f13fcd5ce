#pragma once

#include <memory>
#include <string>

#include "vecmill/record.h"
#include "vecmill/result.h"
#include "vecmill/source/field_names.h"
#include "vecmill/source/line_reader.h"

namespace vecmill::source {

/// The records of one file.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  /// Fills `record`; false at the end.
  ///   errors  kInvalidData naming file and line, kIo
  virtual Result<bool> next(Record& record) = 0;

  /// Place of the last record.
  [[nodiscard]] virtual std::string where() const = 0;
};

std::unique_ptr<RecordReader> make_line_records(LineReader lines);
std::unique_ptr<RecordReader> make_whole_file_record(LineReader lines);
std::unique_ptr<RecordReader> make_jsonl_records(LineReader lines, Fields named);
std::unique_ptr<RecordReader> make_csv_records(LineReader lines, Fields named, char separator,
                                               std::uint64_t limit);

}  // namespace vecmill::source
