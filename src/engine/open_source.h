#pragma once

#include <memory>

#include "vecmill/engine.h"
#include "vecmill/source.h"

namespace vecmill::engine {

/// The inputs of a job, from their beginning.
Result<std::unique_ptr<Source>> open_source(const EmbedJob& job);

}  // namespace vecmill::engine
