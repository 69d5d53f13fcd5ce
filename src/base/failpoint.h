#pragma once

#include <string_view>

namespace vecmill {

/// A named place where a test can kill the process as `kill -9` would: with the environment
/// variable VECMILL_FAILPOINT=name:count the count-th pass (from 1) ends the program with status
/// 137 and nothing is flushed or destroyed. Does nothing in a release, which is built without
/// VECMILL_DEVELOPER: no variable may end a program that somebody uses.
void failpoint(std::string_view name);

}  // namespace vecmill
