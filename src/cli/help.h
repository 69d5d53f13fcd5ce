#pragma once

#include <string>

#include "vecmill/cli/command.h"

namespace vecmill::cli {

[[nodiscard]] std::string program_help();
[[nodiscard]] std::string command_help(const Command& command);

}  // namespace vecmill::cli
