#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/outputs.h"
#include "vecmill/result.h"

namespace vecmill::qdrant {

/// Our own field in a payload, and in what is on record of a collection.
inline constexpr std::string_view kStamp = "_vecmill";
inline constexpr std::string_view kRecordKey = "vecmill", kBulkKey = "vecmill_bulk";

struct Version {
  std::uint32_t major = 0, minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

struct VectorParams {
  std::uint64_t size = 0;
  std::string distance;              ///< "Cosine"
  std::string datatype = "float32";  ///< as Qdrant says where nothing else is asked for
  bool multivector = false;
};

/// What we have on record of a collection, in its metadata or in record_point().
struct Record {
  std::string identity;               ///< a JSON object; empty: none
  std::optional<std::uint64_t> bulk;  ///< the indexing threshold before a bulk load
};

struct Collection {
  std::map<std::string, VectorParams> vectors;  ///< by name; a vector without one has ""
  std::set<std::string> sparse;
  std::optional<std::uint64_t> indexing_threshold;  ///< KB
  Record record;                                    ///< of the metadata
};

struct Point {
  std::string id;                   ///< as point_id() gives it
  std::string own_id, text_hash;    ///< of our stamp; empty where it is no point of ours
  std::optional<Record> record;     ///< this is record_point()
  std::vector<std::string> fields;  ///< names in the payload
  std::optional<std::string> text;  ///< where the field of texts is there and not null
  bool odd_text = false;            ///< that field is no string
  std::string metadata;             ///< JSON object of the payload without text and stamp
  std::map<std::string, std::vector<float>> vectors;  ///< multi-vectors row after row
  std::map<std::string, SparseVector> sparse;
};

struct Page {
  std::vector<Point> points;
  std::string next;  ///< id that the next page begins with; empty: there is none
};

struct Scored {
  Point point;
  float score = 0;
};

/// Each reads the body of a reply of status 200.
///   errors  kInvalidData without any byte of the reply: it is not what the API promises
Result<Version> parse_version(std::string_view body);
Result<Collection> parse_collection(std::string_view body);
Result<std::uint64_t> parse_count(std::string_view body);
/// Whether a change is done, not only promised.
Status parse_done(std::string_view body);
/// For replies of which only the success counts.
Status parse_ok(std::string_view body);
///   text_field  empty: no field is the text
Result<std::vector<Point>> parse_points(std::string_view body, const std::string& text_field = {});
Result<Page> parse_page(std::string_view body, const std::string& text_field);
Result<std::vector<Scored>> parse_scored(std::string_view body);

/// What the server says of a request that failed, in one short line; empty when it cannot be shown.
[[nodiscard]] std::string said_in(std::string_view body);

}  // namespace vecmill::qdrant
