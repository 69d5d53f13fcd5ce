#pragma once

#include <string_view>

namespace vecmill {

/// A named place where a test can kill the process as `kill -9` would: with the environment
/// variable VECMILL_FAILPOINT=name:count the count-th pass (from 1) ends the program with status
/// 137 and nothing is flushed or destroyed. Costs one load and a branch when not armed.
void failpoint(std::string_view name);

}  // namespace vecmill
