#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "vecmill/outputs.h"

namespace vecmill::sink {

// Vectors as JSON; `half`: each number as it is after it was stored as float16.

void append_numbers(std::string& out, std::span<const float> values, bool half);  ///< [1,2]

/// {"indices":[3,7],"values":[0.5,0.25]}
void append_sparse(std::string& out, const SparseVector& weights, bool half);

/// [[1,2],[3,4]] of rows of `dims` numbers.
void append_rows(std::string& out, std::span<const float> all, std::size_t dims, bool half);

}  // namespace vecmill::sink
