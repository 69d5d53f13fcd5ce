#pragma once

#include <vector>

#include "vecmill/hub/staging.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// Replaces every staged file of pickled weights by one of safetensors.
///   errors  as convert_to_safetensors, kIo
Status convert_pickled(Staging& staging, std::vector<StagedFile>& all);

}  // namespace vecmill::hub
