#pragma once

#include "vecmill/postgres/schema.h"

namespace vecmill::cache {

/// The tables and functions of vectors and leases.
[[nodiscard]] const postgres::Objects& cache_objects();

}  // namespace vecmill::cache
