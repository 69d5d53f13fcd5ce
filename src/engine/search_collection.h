#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/engine/rank.h"
#include "vecmill/result.h"
#include "vecmill/sink/checkpoint.h"

namespace vecmill::engine {

/// What an index is, be it a file or a collection.
///   errors  those of reading it
Result<sink::Meta> describe_index(const std::string& index);

/// The `k` points of a collection with the largest scores, best first, as the server compares them.
///   errors  kUnsupported: several kinds of vectors at once; those of Client
Result<std::vector<Hit>> search_collection(const Question& question, const std::string& index,
                                           std::size_t k);

}  // namespace vecmill::engine
