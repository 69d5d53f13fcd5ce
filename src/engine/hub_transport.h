#pragma once

#include <memory>

#include "vecmill/hub/transport.h"

namespace vecmill::engine {

/// The hub's way to the network: an HTTP client of its own. For one thread.
std::unique_ptr<hub::Transport> make_hub_transport();

}  // namespace vecmill::engine
