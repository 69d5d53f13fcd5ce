#pragma once

#include <memory>

#include "vecmill/provider.h"

namespace vecmill::engine {

/// A local model where a server is expected: each call runs over all of these threads.
std::unique_ptr<Provider> spread_over(std::unique_ptr<Provider> local, std::uint32_t threads);

}  // namespace vecmill::engine
