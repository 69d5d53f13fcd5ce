#include "vecmill/sink/row_text.h"

#include <bit>

#include "vecmill/base/half.h"
#include "vecmill/base/json_text.h"
#include "vecmill/sink/json_vectors.h"
#include "vecmill/sink/npy.h"

namespace vecmill::sink {
namespace {

static_assert(std::endian::native == std::endian::little);

void append_flags(std::string& out, const OutputRow& row) {
  out += ",\"truncated\":";
  out += row.truncated_tokens > 0 ? "true" : "false";
  if (!row.degraded.empty()) {
    out += ",\"degraded\":";
    append_json_string(out, row.degraded);
  }
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

void append_vector_line(std::string& out, const OutputRow& row, const SpaceInfo& info, bool half) {
  out += "{\"id\":";
  append_json_string(out, row.id);
  if (info.outputs.dense) {
    out += info.outputs.only_dense() ? ",\"vector\":" : ",\"dense\":";
    append_numbers(out, row.vector, half);
  }
  if (info.outputs.sparse) {
    out += ",\"sparse\":";
    append_sparse(out, row.sparse, half);
  }
  if (info.outputs.multivector) {
    out += ",\"multivector\":";
    append_rows(out, row.multivector, info.multivector_dims, half);
  }
  append_flags(out, row);
}

float stored(float value, bool half) { return half ? from_half(to_half(value)) : value; }

void append_failed_line(std::string& out, const OutputRow& row) {
  out += "{\"id\":";
  append_json_string(out, row.id);
  out += ",\"kind\":";
  append_json_string(out, name(row.error->kind));
  out += ",\"message\":";
  append_json_string(out, row.error->message);
  out += "}\n";
}

void append_vector_bytes(std::string& out, std::span<const float> values, bool half) {
  if (!half) {
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    return;
  }
  for (const float value : values) {
    const std::uint16_t bits = to_half(value);
    out.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
}

}  // namespace vecmill::sink
