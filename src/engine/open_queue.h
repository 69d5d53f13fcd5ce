#pragma once

#include <memory>

#include "vecmill/jobs.h"
#include "vecmill/queue/queue.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// Errors as JobQueue::open.
Result<std::unique_ptr<queue::Queue>> open_queue(const QueueOptions& options);

}  // namespace vecmill::engine
