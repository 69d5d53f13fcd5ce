#include "vecmill/sink/qdrant_collection.h"

#include <algorithm>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/json_text.h"
#include "vecmill/qdrant/point_id.h"

namespace vecmill::sink {
namespace {

using qdrant::Client;
using qdrant::Collection;
using qdrant::Record;
using qdrant::Url;
using qdrant::VectorParams;

constexpr qdrant::Version kHasMetadata{1, 16};
/// Of all rows of a multi-vector together.
constexpr std::uint64_t kMostNumbers = 1 << 20;
/// KB of vectors that stay without an index: more than a collection has.
constexpr std::uint64_t kNeverIndex = 1'000'000'000;
constexpr const char* kCreateHint = "--create makes it";
constexpr const char* kOtherHint = "give another collection";

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

/// A text of all its tokens must fit: the run would end at the first that does not.
Status check_size(const SpaceInfo& info, const Url& url) {
  if (!info.outputs.multivector) return {};
  const std::uint64_t rows = (kMostNumbers - 1) / info.multivector_dims;
  if (info.max_tokens > 0 && info.max_tokens - 1 <= rows) return {};
  return make_error(ErrorKind::kInvalidArgument,
                    "Qdrant takes at most " + std::to_string(rows) + " vectors of " +
                        std::to_string(info.multivector_dims) +
                        " numbers for a text, and a long one has more tokens",
                    url.shown, "add --max-seq-length " + std::to_string(rows + 1));
}

std::string datatype_of(const Identity& identity) {
  return identity.store == "f16" ? "float16" : "float32";
}

/// What the collection must have, by name.
std::map<std::string, VectorParams> wanted_vectors(const Identity& identity, const Url& url) {
  std::map<std::string, VectorParams> wanted;
  const SpaceInfo& info = identity.info;
  const std::string type = datatype_of(identity);
  if (info.outputs.dense) wanted[url.dense] = {info.dims, url.distance, type, false};
  if (info.outputs.multivector) {
    wanted[url.multivector] = {info.multivector_dims, url.distance, type, true};
  }
  return wanted;
}

std::string create_body(const Identity& identity, const Url& url, bool metadata) {
  std::string vectors;
  for (const auto& [name, params] : wanted_vectors(identity, url)) {
    vectors +=
        (vectors.empty() ? "" : ",") + json(name) + ":{\"size\":" + std::to_string(params.size) +
        ",\"distance\":\"" + params.distance + "\",\"datatype\":\"" + params.datatype + "\"" +
        (params.multivector ? ",\"multivector_config\":{\"comparator\":\"max_sim\"}" : "") + "}";
  }
  std::string body = "{\"vectors\":{" + vectors + "}";
  if (identity.info.outputs.sparse) body += ",\"sparse_vectors\":{" + json(url.sparse) + ":{}}";
  if (metadata) {
    body += ",\"metadata\":{" + json(qdrant::kRecordKey) + ":" + identity_text(identity) + "}";
  }
  return body + "}";
}

std::string names_of(const Collection& collection) {
  std::string names;
  for (const auto& [name, params] : collection.vectors) {
    names += (names.empty() ? "" : ", ") + name;
  }
  for (const auto& name : collection.sparse) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

Status check_params(const std::string& name, const VectorParams& there, const VectorParams& wanted,
                    const Url& url) {
  const std::string vector = "the vector " + name;
  if (there.multivector != wanted.multivector) {
    return make_error(ErrorKind::kMismatch,
                      vector + (wanted.multivector ? " is no multi-vector" : " is a multi-vector"),
                      url.shown, kOtherHint);
  }
  if (there.size != wanted.size) {
    return make_error(ErrorKind::kMismatch,
                      vector + " has " + std::to_string(there.size) +
                          " dimensions, and the model makes " + std::to_string(wanted.size),
                      url.shown, "give another model, or another collection");
  }
  if (there.distance != wanted.distance) {
    return make_error(ErrorKind::kMismatch,
                      vector + " is compared by " + there.distance + ", not by " + wanted.distance,
                      url.shown, "if that is what you want, add distance=" + there.distance);
  }
  if (there.datatype != wanted.datatype) {
    return make_error(ErrorKind::kMismatch,
                      vector + " is stored as " + there.datatype + ", not as " + wanted.datatype,
                      url.shown, "--store chooses between f32 and f16");
  }
  return {};
}

Status check_vectors(const Collection& collection, const Identity& identity, const Url& url) {
  if (collection.vectors.contains("")) {
    return make_error(ErrorKind::kUnsupported, "has a vector without a name, and can get no other",
                      url.shown, "give another collection: --create makes one");
  }
  const auto missing = [&](const std::string& name, const char* parameter) {
    return make_error(ErrorKind::kNotFound,
                      "has no vector " + name + "; it has: " + names_of(collection), url.shown,
                      std::string("name it with ") + parameter + "=NAME");
  };
  const auto wanted = wanted_vectors(identity, url);
  for (const auto& [name, params] : wanted) {
    const auto there = collection.vectors.find(name);
    if (there == collection.vectors.end()) {
      return missing(name, params.multivector ? "multivector" : "vector");
    }
    VECMILL_TRY(check_params(name, there->second, params, url));
  }
  const bool sparse = identity.info.outputs.sparse;
  if (sparse && !collection.sparse.contains(url.sparse)) return missing(url.sparse, "sparse");
  if (collection.vectors.size() == wanted.size() && collection.sparse.size() == (sparse ? 1 : 0)) {
    return {};
  }
  return make_error(ErrorKind::kUnsupported,
                    "has more vectors (" + names_of(collection) +
                        "): a point is written whole, which would remove the others",
                    url.shown, kOtherHint);
}

/// The record in a point of its own, where there is one.
Result<std::optional<Record>> read_point(Client& client) {
  const std::string id = qdrant::record_point();
  VECMILL_ASSIGN(const auto points, client.retrieve(std::span(&id, 1), false));
  return points.empty() ? std::optional<Record>() : points[0].record;
}

Result<QdrantTarget> read_record(Client& client, const Collection& collection) {
  QdrantTarget target;
  target.record = collection.record;
  if (!target.record.identity.empty()) return target;
  VECMILL_ASSIGN(const auto in_point, read_point(client));
  target.in_metadata = !in_point && client.version() >= kHasMetadata;
  if (in_point) target.record = *in_point;
  return target;
}

Status save_record(Client& client, const QdrantTarget& target) {
  const Record& record = target.record;
  const std::string bulk = record.bulk ? std::to_string(*record.bulk) : "null";
  if (target.in_metadata) {
    return client.change("{\"metadata\":{" + json(qdrant::kRecordKey) + ":" + record.identity +
                         "," + json(qdrant::kBulkKey) + ":" + bulk + "}}");
  }
  const std::string point = "{\"id\":" + qdrant::point_json(qdrant::record_point()) +
                            ",\"vector\":{},\"payload\":{" + json(qdrant::kStamp) +
                            ":{\"record\":" + record.identity + ",\"bulk\":" + bulk + "}}}";
  return client.write(std::span(&point, 1));
}

Status set_threshold(Client& client, std::uint64_t kilobytes) {
  return client.change(
      "{\"optimizers_config\":{\"indexing_threshold\":" + std::to_string(kilobytes) + "}}");
}

Result<Collection> find_collection(Client& client, const Identity& identity, bool create) {
  VECMILL_ASSIGN(auto found, client.describe());
  const Url& url = client.url();
  const Error missing = make_error(ErrorKind::kNotFound, "there is no collection " + url.collection,
                                   url.shown, create ? "" : kCreateHint);
  if (!found && create) {
    VECMILL_TRY(client.create(create_body(identity, url, client.version() >= kHasMetadata)));
    VECMILL_ASSIGN(found, client.describe());
  }
  if (!found) return missing;
  return *std::move(found);
}

/// Has the identity on record, unless another is, or there are vectors of nobody knows what.
Status agree(Client& client, const Identity& identity, QdrantTarget& target) {
  const Url& url = client.url();
  if (!target.record.identity.empty()) {
    VECMILL_ASSIGN(const Identity found, parse_identity(target.record.identity, url.shown));
    return check_same(found, identity, url.shown);
  }
  VECMILL_ASSIGN(const std::uint64_t points, client.count());
  if (points > 0 && !url.adopt) {
    return make_error(ErrorKind::kMismatch,
                      "holds " + std::to_string(points) + " points, and no record of their model",
                      url.shown,
                      "if they are of " + identity.info.model +
                          " with the same settings, add adopt=yes to the URL");
  }
  target.record.identity = identity_text(identity);
  return save_record(client, target);
}

Status begin_bulk(Client& client, const Collection& collection, QdrantTarget& target) {
  if (!is_bulk(target)) {
    if (!collection.indexing_threshold) {
      return make_error(ErrorKind::kUnsupported,
                        "does not say when it indexes, so that bulk=yes could not be undone",
                        client.url().shown, "leave out bulk=yes");
    }
    // On record first: whoever comes after a crash knows what to go back to.
    target.record.bulk = collection.indexing_threshold;
    VECMILL_TRY(save_record(client, target));
    failpoint("qdrant.bulk");
  }
  return set_threshold(client, kNeverIndex);
}

}  // namespace

Result<QdrantTarget> prepare_collection(Client& client, const Identity& identity, bool create) {
  VECMILL_TRY(check_size(identity.info, client.url()));
  VECMILL_ASSIGN(const Collection collection, find_collection(client, identity, create));
  VECMILL_TRY(check_vectors(collection, identity, client.url()));
  VECMILL_ASSIGN(QdrantTarget target, read_record(client, collection));
  VECMILL_TRY(agree(client, identity, target));
  if (client.url().bulk) {
    VECMILL_TRY(begin_bulk(client, collection, target));
  } else if (is_bulk(target)) {
    VECMILL_TRY(end_bulk(client, target));
  }
  return target;
}

Status end_bulk(Client& client, QdrantTarget& target) {
  VECMILL_TRY(set_threshold(client, *target.record.bulk));
  failpoint("qdrant.unbulk");
  target.record.bulk = std::nullopt;
  return save_record(client, target);
}

Result<Identity> read_identity(Client& client) {
  const Url& url = client.url();
  VECMILL_ASSIGN(const auto collection, client.describe());
  if (!collection) {
    return make_error(ErrorKind::kNotFound, "there is no collection " + url.collection, url.shown);
  }
  VECMILL_ASSIGN(const QdrantTarget target, read_record(client, *collection));
  if (target.record.identity.empty()) {
    return make_error(ErrorKind::kMismatch, "holds no vectors of Vecmill, as far as is on record",
                      url.shown);
  }
  return parse_identity(target.record.identity, url.shown);
}

}  // namespace vecmill::sink
