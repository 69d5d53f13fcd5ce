#pragma once

#include <functional>
#include <span>
#include <vector>

#include "vecmill/qdrant/url.h"
#include "vecmill/record.h"
#include "vecmill/result.h"
#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {

struct QdrantSinkOptions {
  bool create = false;  ///< the collection
  bool resume = false;
};

/// For each of some records, whether a point of the same text is there already. For one thread.
using FindDone = std::function<Result<std::vector<bool>>(std::span<const Record>)>;

struct QdrantOpened {
  Opened opened;
  FindDone find_done;  ///< with `resume`; empty: everything is written
};

/// Vectors into a collection, a point a text, each with all of its vectors; the metadata is the
/// payload. A point that is written twice is the same. `finish` counts the points and reads some of
/// them back.
///   errors  those of prepare_collection
Result<QdrantOpened> open_qdrant_sink(const qdrant::Url& url, const Identity& identity,
                                      const QdrantSinkOptions& options);

}  // namespace vecmill::sink
