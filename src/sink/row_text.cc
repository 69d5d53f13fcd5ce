#include "vecmill/sink/row_text.h"

#include <array>
#include <bit>
#include <charconv>

#include "vecmill/base/json_text.h"
#include "vecmill/sink/npy.h"

namespace vecmill::sink {
namespace {

static_assert(std::endian::native == std::endian::little);

void append_flags(std::string& out, const OutputRow& row) {
  out += ",\"truncated\":";
  out += row.truncated_tokens > 0 ? "true" : "false";
  out += ",\"metadata\":";
  out += row.metadata.empty() ? "{}" : row.metadata;
  out += "}\n";
}

}  // namespace

void append_id_line(std::string& out, const OutputRow& row) {
  append_json_string(out, row.id);
  out += '\n';
}

void append_record_line(std::string& out, const OutputRow& row) {
  out += "{\"id\":";
  append_json_string(out, row.id);
  append_flags(out, row);
}

void append_vector_line(std::string& out, const OutputRow& row, bool half) {
  out += "{\"id\":";
  append_json_string(out, row.id);
  out += ",\"vector\":[";
  std::array<char, 32> digits;
  bool first = true;
  for (const float value : row.vector) {
    if (!first) out += ',';
    first = false;
    const float stored = half ? from_half(to_half(value)) : value;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), stored);
    out.append(digits.data(), end.ptr);
  }
  out += ']';
  append_flags(out, row);
}

void append_failed_line(std::string& out, const OutputRow& row) {
  out += "{\"id\":";
  append_json_string(out, row.id);
  out += ",\"kind\":";
  append_json_string(out, name(row.error->kind));
  out += ",\"message\":";
  append_json_string(out, row.error->message);
  out += "}\n";
}

void append_vector_bytes(std::string& out, const OutputRow& row, bool half) {
  if (!half) {
    out.append(reinterpret_cast<const char*>(row.vector.data()), row.vector.size() * sizeof(float));
    return;
  }
  for (const float value : row.vector) {
    const std::uint16_t bits = to_half(value);
    out.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
}

}  // namespace vecmill::sink
