#pragma once

#include <string>

#include "vecmill/qdrant/client.h"
#include "vecmill/result.h"
#include "vecmill/sink/checkpoint.h"

namespace vecmill::sink {

/// A collection that vectors go to, and what is on record of it.
struct QdrantTarget {
  qdrant::Record record;
  bool in_metadata = true;  ///< the record; else it is in a point of its own
};

/// Finds the collection of the URL, or makes it where it may; checks that it has the vectors of the
/// identity, and no other; has the identity on record, and begins a bulk load, or ends one that a
/// killed run began.
///   errors  kNotFound: no collection or vector; kMismatch: dimension, distance, another space or
///           vectors of a space that is not on record; kUnsupported: a vector without a name, other
///           vectors; kInvalidArgument: more numbers for a text than Qdrant takes; those of Client
Result<QdrantTarget> prepare_collection(qdrant::Client& client, const Identity& identity,
                                        bool create);

/// Whether this run keeps the server from indexing.
[[nodiscard]] inline bool is_bulk(const QdrantTarget& target) {
  return target.record.bulk.has_value();
}

/// Has the server index again as it did before the bulk load.
Status end_bulk(qdrant::Client& client, QdrantTarget& target);

/// What is on record of a collection.
///   errors  kNotFound: no collection; kMismatch: it holds no vectors of Vecmill
Result<Identity> read_identity(qdrant::Client& client);

}  // namespace vecmill::sink
