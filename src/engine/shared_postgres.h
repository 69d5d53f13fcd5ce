#pragma once

#include <memory>

#include "vecmill/engine/shared_server.h"

namespace vecmill::engine {

///   errors  as check_shared_state
Result<std::shared_ptr<SharedServer>> open_shared_postgres(const SharedOptions& options,
                                                           SharedUse use);

}  // namespace vecmill::engine
