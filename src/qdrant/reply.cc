#include "vecmill/qdrant/reply.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "vecmill/base/json_text.h"
#include "vecmill/base/utf8.h"

namespace vecmill::qdrant {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMaxQuote = 200;

Error malformed(const char* what) {
  return make_error(ErrorKind::kInvalidData, std::string("the reply ") + what);
}

/// A whole reply; what it gives out lives as long as it does.
struct Document {
  simdjson::dom::parser parser;
  element result;

  /// {"status": "ok", "result": ...}
  Status read(std::string_view body) {
    element root;
    std::string_view status;
    if (parser.parse(body.data(), body.size(), true).get(root) != SUCCESS) {
      return malformed("is no JSON");
    }
    if (root["status"].get(status) != SUCCESS || status != "ok" ||
        root["result"].get(result) != SUCCESS) {
      return malformed("is none of Qdrant");
    }
    return {};
  }
};

std::string text_of(simdjson::simdjson_result<element> value) {
  std::string_view text;
  return value.get(text) == SUCCESS ? std::string(text) : std::string();
}

std::optional<std::uint64_t> number_of(simdjson::simdjson_result<element> value) {
  std::uint64_t number = 0;
  if (value.get(number) != SUCCESS) return std::nullopt;
  return number;
}

Result<VectorParams> read_params(element value) {
  VectorParams params;
  params.distance = text_of(value["distance"]);
  if (value["size"].get(params.size) != SUCCESS || params.distance.empty()) {
    return malformed("has a vector without size and distance");
  }
  if (auto type = text_of(value["datatype"]); !type.empty()) params.datatype = std::move(type);
  element multi;
  params.multivector = value["multivector_config"].get(multi) == SUCCESS && multi.is_object();
  return params;
}

Status read_vectors(element params, Collection& collection) {
  element vectors;
  object named;
  if (params["vectors"].get(vectors) == SUCCESS && vectors.get(named) == SUCCESS) {
    if (number_of(vectors["size"])) {
      VECMILL_ASSIGN(collection.vectors[""], read_params(vectors));
      return {};
    }
    for (const auto& [name, value] : named) {
      VECMILL_ASSIGN(collection.vectors[std::string(name)], read_params(value));
    }
  }
  object sparse;
  if (params["sparse_vectors"].get(sparse) != SUCCESS) return {};
  for (const auto& [name, value] : sparse) collection.sparse.insert(std::string(name));
  return {};
}

Result<std::string> read_id(simdjson::simdjson_result<element> value) {
  if (const auto number = number_of(value)) return std::to_string(*number);
  std::string id = text_of(value);
  if (id.empty()) return malformed("has a point without an id");
  return id;
}

std::string raw_object(simdjson::simdjson_result<element> value) {
  object found;
  return value.get(found) == SUCCESS ? std::string(simdjson::minify(found)) : std::string();
}

/// Our own field of a payload.
void read_stamp(element stamp, Point& point) {
  point.own_id = text_of(stamp["id"]);
  point.text_hash = text_of(stamp["text_hash"]);
  std::string identity = raw_object(stamp["record"]);
  if (identity.empty()) return;
  point.record = Record{std::move(identity), number_of(stamp["bulk"])};
}

void read_payload(object payload, const std::string& text_field, Point& point) {
  for (const auto& [key, value] : payload) {
    if (key == kStamp) {
      read_stamp(value, point);
      continue;
    }
    point.fields.emplace_back(key);
    if (!text_field.empty() && key == text_field) {
      std::string_view text;
      if (value.get(text) == SUCCESS) {
        point.text = text;
      } else {
        point.odd_text = !value.is_null();
      }
      continue;
    }
    point.metadata += point.metadata.empty() ? '{' : ',';
    append_json_string(point.metadata, key);
    point.metadata += ':';
    point.metadata += simdjson::minify(value);
  }
  if (!point.metadata.empty()) point.metadata += '}';
}

Status read_numbers(array numbers, std::vector<float>& out) {
  for (const element item : numbers) {
    double number = 0;
    if (item.get(number) != SUCCESS) return malformed("has a vector of other things than numbers");
    out.push_back(static_cast<float>(number));
  }
  return {};
}

Status read_dense(array values, std::vector<float>& out) {
  array first;
  if (values.size() == 0 || values.at(0).get(first) != SUCCESS) return read_numbers(values, out);
  for (const element row : values) {
    array numbers;
    if (row.get(numbers) != SUCCESS) return malformed("has a multi-vector of other things");
    VECMILL_TRY(read_numbers(numbers, out));
  }
  return {};
}

Status read_sparse(object value, SparseVector& out) {
  array indices, values;
  if (value["indices"].get(indices) != SUCCESS || value["values"].get(values) != SUCCESS ||
      indices.size() != values.size()) {
    return malformed("has a sparse vector that is none");
  }
  auto weight = values.begin();
  for (const element index : indices) {
    std::uint64_t token = 0;
    double number = 0;
    if (index.get(token) != SUCCESS || token > UINT32_MAX || (*weight).get(number) != SUCCESS) {
      return malformed("has a sparse vector that is none");
    }
    out.push_back({static_cast<TokenId>(token), static_cast<float>(number)});
    ++weight;
  }
  std::ranges::sort(out, {}, &TokenWeight::token);
  return {};
}

Status read_vectors_of(object vectors, Point& point) {
  for (const auto& [name, value] : vectors) {
    array values;
    object sparse;
    if (value.get(values) == SUCCESS) {
      VECMILL_TRY(read_dense(values, point.vectors[std::string(name)]));
    } else if (value.get(sparse) == SUCCESS) {
      VECMILL_TRY(read_sparse(sparse, point.sparse[std::string(name)]));
    } else {
      return malformed("has a vector that is none");
    }
  }
  return {};
}

Result<Point> read_point(element value, const std::string& text_field) {
  Point point;
  VECMILL_ASSIGN(point.id, read_id(value["id"]));
  object payload, vectors;
  if (value["payload"].get(payload) == SUCCESS) read_payload(payload, text_field, point);
  if (value["vector"].get(vectors) == SUCCESS) VECMILL_TRY(read_vectors_of(vectors, point));
  return point;
}

Result<std::vector<Point>> read_points(array list, const std::string& text_field) {
  std::vector<Point> points;
  for (const element item : list) {
    VECMILL_ASSIGN(Point point, read_point(item, text_field));
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace

Result<Version> parse_version(std::string_view body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body.data(), body.size(), true).get(root) != SUCCESS) {
    return malformed("is no JSON");
  }
  const std::string text = text_of(root["version"]);
  Version version;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.' ||
      std::from_chars(major.ptr + 1, end, version.minor).ec != std::errc()) {
    return malformed("names no version of Qdrant");
  }
  return version;
}

Result<Collection> parse_collection(std::string_view body) {
  Document document;
  VECMILL_TRY(document.read(body));
  element config, params;
  if (document.result["config"].get(config) != SUCCESS || config["params"].get(params) != SUCCESS ||
      !params.is_object()) {
    return malformed("describes no collection");
  }
  Collection collection;
  VECMILL_TRY(read_vectors(params, collection));
  collection.indexing_threshold = number_of(config["optimizer_config"]["indexing_threshold"]);
  collection.record.identity = raw_object(config["metadata"][kRecordKey]);
  collection.record.bulk = number_of(config["metadata"][kBulkKey]);
  return collection;
}

Result<std::uint64_t> parse_count(std::string_view body) {
  Document document;
  VECMILL_TRY(document.read(body));
  const auto count = number_of(document.result["count"]);
  if (!count) return malformed("has no count");
  return *count;
}

Status parse_done(std::string_view body) {
  Document document;
  VECMILL_TRY(document.read(body));
  const std::string status = text_of(document.result["status"]);
  if (status == "completed") return {};
  return malformed(status == "acknowledged" ? "only promises the change" : "confirms no change");
}

Status parse_ok(std::string_view body) {
  Document document;
  return document.read(body);
}

Result<std::vector<Point>> parse_points(std::string_view body, const std::string& text_field) {
  Document document;
  VECMILL_TRY(document.read(body));
  array list;
  if (document.result.get(list) != SUCCESS) return malformed("has no list of points");
  return read_points(list, text_field);
}

Result<Page> parse_page(std::string_view body, const std::string& text_field) {
  Document document;
  VECMILL_TRY(document.read(body));
  array list;
  if (document.result["points"].get(list) != SUCCESS) return malformed("has no list of points");
  Page page;
  VECMILL_ASSIGN(page.points, read_points(list, text_field));
  element next;
  if (document.result["next_page_offset"].get(next) == SUCCESS && !next.is_null()) {
    VECMILL_ASSIGN(page.next, read_id(document.result["next_page_offset"]));
  }
  return page;
}

Result<std::vector<Scored>> parse_scored(std::string_view body) {
  Document document;
  VECMILL_TRY(document.read(body));
  array items;
  if (document.result["points"].get(items) != SUCCESS) return malformed("has no list of points");
  std::vector<Scored> found;
  for (const element item : items) {
    Scored scored;
    double score = 0;
    if (item["score"].get(score) != SUCCESS) return malformed("has a point without a score");
    VECMILL_ASSIGN(scored.point, read_point(item, {}));
    scored.score = static_cast<float>(score);
    found.push_back(std::move(scored));
  }
  return found;
}

std::string said_in(std::string_view body) {
  simdjson::dom::parser parser;
  element root;
  std::string text;
  if (parser.parse(body.data(), body.size(), true).get(root) == SUCCESS) {
    text = text_of(root["status"]["error"]);
  }
  std::size_t size = std::min(text.size(), kMaxQuote);
  while (size > 0 && !is_valid_utf8(std::string_view(text).substr(0, size))) --size;
  text.resize(size);
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return text;
}

}  // namespace vecmill::qdrant
