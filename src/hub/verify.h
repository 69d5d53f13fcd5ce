#pragma once

#include "vecmill/hub/store.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// Against the lock file where there is one; in a cache of the Hub against the names of the blobs,
/// which are hashes.
///   errors  kUnsupported when nothing was recorded; kInvalidData for a broken lock file
Result<VerifyReport> verify_model(const ModelEntry& entry);

}  // namespace vecmill::hub
