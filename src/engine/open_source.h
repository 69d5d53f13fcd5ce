#pragma once

#include <memory>

#include "vecmill/engine.h"
#include "vecmill/engine/open_ends.h"
#include "vecmill/source.h"

namespace vecmill::engine {

/// The inputs of a job, from their beginning.
Result<Input> open_input(const EmbedJob& job);
Result<std::unique_ptr<Source>> open_source(const EmbedJob& job);

}  // namespace vecmill::engine
