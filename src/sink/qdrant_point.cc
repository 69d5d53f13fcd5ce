#include "vecmill/sink/qdrant_point.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "vecmill/base/json_text.h"
#include "vecmill/qdrant/point_id.h"
#include "vecmill/sink/json_vectors.h"

namespace vecmill::sink {
namespace {

/// Of a float16 the last digit is 2^-11 of the number.
constexpr double kSameNumber = 1e-3, kSameDirection = 1e-5;

void append_name(std::string& out, const std::string& name) {
  if (!out.ends_with('{')) out += ',';
  append_json_string(out, name);
  out += ':';
}

void append_vectors(std::string& out, const OutputRow& row, const Identity& identity,
                    const qdrant::Url& url) {
  const SpaceInfo& info = identity.info;
  const bool half = identity.store == "f16";
  if (info.outputs.dense) {
    append_name(out, url.dense);
    append_numbers(out, row.vector, half);
  }
  if (info.outputs.sparse) {
    append_name(out, url.sparse);
    append_sparse(out, row.sparse, half);
  }
  if (info.outputs.multivector && !row.multivector.empty()) {
    append_name(out, url.multivector);
    append_rows(out, row.multivector, info.multivector_dims, half);
  }
}

/// The members of a JSON object without its braces.
std::string members_of(const std::string& metadata) {
  const auto first = metadata.find('{'), last = metadata.rfind('}');
  if (first == std::string::npos) return {};
  std::string members = metadata.substr(first + 1, last - first - 1);
  const auto begin = members.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? std::string() : members;
}

bool has_stamp(const std::string& metadata) {
  if (metadata.find(qdrant::kStamp) == std::string::npos) return false;
  std::vector<JsonField> fields;
  if (scan_json_object(metadata, fields)) return false;
  return std::ranges::any_of(fields, [](const auto& field) { return field.key == qdrant::kStamp; });
}

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

bool same_direction(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return false;
  const double lengths = std::sqrt(product(a, a) * product(b, b));
  return lengths > 0 ? product(a, b) >= (1 - kSameDirection) * lengths
                     : product(a, a) == product(b, b);
}

bool same_weights(const SparseVector& a, const SparseVector& b) {
  return std::ranges::equal(a, b, [](const TokenWeight& x, const TokenWeight& y) {
    return x.token == y.token && std::abs(x.weight - y.weight) <= kSameNumber * x.weight;
  });
}

template <class Vectors>
auto vector_of(const Vectors& vectors, const std::string& name) {
  const auto found = vectors.find(name);
  return found == vectors.end() ? typename Vectors::mapped_type() : found->second;
}

bool same_rows(std::span<const float> a, std::span<const float> b, std::size_t dims) {
  if (a.size() != b.size()) return false;
  for (std::size_t at = 0; at < a.size(); at += dims) {
    if (!same_direction(a.subspan(at, dims), b.subspan(at, dims))) return false;
  }
  return true;
}

}  // namespace

Result<std::string> point_of(const OutputRow& row, const Identity& identity,
                             const qdrant::Url& url) {
  if (has_stamp(row.metadata)) {
    return make_error(ErrorKind::kInvalidData,
                      "the record \"" + row.id + "\" has a field " + std::string(qdrant::kStamp) +
                          ", where Vecmill puts its own",
                      url.shown, "give that field another name");
  }
  std::string out = "{\"id\":" + qdrant::point_json(qdrant::point_id(row.id)) + ",\"vector\":{";
  append_vectors(out, row, identity, url);
  out += "},\"payload\":{";
  const std::string members = members_of(row.metadata);
  if (!members.empty()) out += members + ",";
  append_json_string(out, qdrant::kStamp);
  out += ":{\"id\":";
  append_json_string(out, row.id);
  out += ",\"text_hash\":\"" + row.text_hash + "\"";
  if (row.truncated_tokens > 0) {
    out += ",\"truncated_tokens\":" + std::to_string(row.truncated_tokens);
  }
  return out + "}}}";
}

bool is_written(const OutputRow& row, const qdrant::Point& point, const Identity& identity,
                const qdrant::Url& url) {
  return point.text_hash == row.text_hash && point.own_id == row.id &&
         same_direction(row.vector, vector_of(point.vectors, url.dense)) &&
         same_weights(row.sparse, vector_of(point.sparse, url.sparse)) &&
         same_rows(row.multivector, vector_of(point.vectors, url.multivector),
                   std::max<std::size_t>(identity.info.multivector_dims, 1));
}

}  // namespace vecmill::sink
