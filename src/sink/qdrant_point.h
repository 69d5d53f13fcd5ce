#pragma once

#include <string>

#include "vecmill/qdrant/reply.h"
#include "vecmill/qdrant/url.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/sink/checkpoint.h"

namespace vecmill::sink {

/// A row as a point: all its vectors, and as payload its metadata with our stamp.
///   errors  kInvalidData: the metadata has the field that we put there
Result<std::string> point_of(const OutputRow& row, const Identity& identity,
                             const qdrant::Url& url);

/// Whether a point that was read back is what was written: the same text, and the same vectors but
/// for the last digits, since Qdrant makes those that are compared by cosine as long as 1.
[[nodiscard]] bool is_written(const OutputRow& row, const qdrant::Point& point,
                              const Identity& identity, const qdrant::Url& url);

}  // namespace vecmill::sink
