#pragma once

#include <string>

#include "vecmill/sink.h"

namespace vecmill::sink {

/// The lines of the text files, each with its line end.
void append_id_line(std::string& out, const OutputRow& row);                 ///< X.ids.txt
void append_record_line(std::string& out, const OutputRow& row);             ///< X.records.jsonl
void append_vector_line(std::string& out, const OutputRow& row, bool half);  ///< X.jsonl
void append_failed_line(std::string& out, const OutputRow& row);             ///< X.failed.jsonl

/// The bytes of the vector, little-endian float32 or float16.
void append_vector_bytes(std::string& out, const OutputRow& row, bool half);

}  // namespace vecmill::sink
