#pragma once

#include <string>
#include <vector>

#include "vecmill/cli/settings.h"

namespace vecmill::cli {

/// The whole program: `words` is the command line without the program's name. Gives the exit code.
int run(const std::vector<std::string>& words, const Environment& environment);

}  // namespace vecmill::cli
