#pragma once

#include <span>
#include <string>

#include "vecmill/sink.h"

namespace vecmill::sink {

/// The lines of the text files, each with its line end.
void append_id_line(std::string& out, const OutputRow& row);      ///< X.ids.txt
void append_record_line(std::string& out, const OutputRow& row);  ///< X.records.jsonl
void append_failed_line(std::string& out, const OutputRow& row);  ///< X.failed.jsonl

/// X.jsonl. Dense vectors alone are "vector"; otherwise each output stands under its name.
void append_vector_line(std::string& out, const OutputRow& row, const SpaceInfo& info, bool half);

/// The bytes of vectors, little-endian float32 or float16.
void append_vector_bytes(std::string& out, std::span<const float> values, bool half);

/// What a number is after it was stored.
[[nodiscard]] float stored(float value, bool half);

}  // namespace vecmill::sink
