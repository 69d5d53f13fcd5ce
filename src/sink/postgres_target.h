#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vecmill/postgres/connection.h"
#include "vecmill/postgres/target.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/sink/postgres_sink.h"

namespace vecmill::sink {

/// Finds what the URL names, makes what is missing where that is asked for, and has the space on
/// record. Errors as open_postgres_sink.
Result<postgres::Target> prepare_target(postgres::Connection& connection, const postgres::Url& url,
                                        const SpaceInfo& info, const PostgresSinkOptions& options);

/// What a URL names, as it is found; `target.space` counts where there is a space on record.
struct FoundTarget {
  postgres::Target target;
  std::optional<SpaceInfo> space;
  bool has_failures = false;  ///< there is the table of texts that failed
};

/// Looks and changes nothing.
///   errors  kNotFound: table or column; kUnsupported: a column of another type; kAuth;
///           kInvalidData: keys that do not tell rows apart
Result<FoundTarget> find_target(postgres::Connection& connection, const postgres::Url& url);

/// Indexes over the vectors, finished or not.
struct VectorIndex {
  std::string name, method;
  bool valid = false;
};
Result<std::vector<VectorIndex>> vector_indexes(postgres::Connection& connection,
                                                const postgres::Target& target);

/// Has an HNSW index over the vectors (cosine, of bits Hamming; m 16, ef_construction 64), unless a
/// valid one is there; what an interrupted attempt left is removed first. Writers are not kept
/// waiting.
Status make_hnsw_index(postgres::Connection& connection, const postgres::Target& target);

}  // namespace vecmill::sink
