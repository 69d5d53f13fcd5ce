#pragma once

#include "vecmill/postgres/schema.h"

namespace vecmill::queue {

/// The tables and functions of a queue.
[[nodiscard]] const postgres::Objects& queue_objects();

}  // namespace vecmill::queue
