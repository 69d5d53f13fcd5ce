#pragma once

#include <map>
#include <string>
#include <vector>

#include "vecmill/cli/command.h"
#include "vecmill/result.h"

namespace vecmill::cli {

struct CommandLine {
  const Command* command = nullptr;                       ///< null: help for the whole program
  std::map<std::string, std::string, std::less<>> flags;  ///< by name, as typed
  std::vector<std::string> arguments;
  bool help = false;
};

/// `words` is the command line without the name of the program.
///   errors  kInvalidArgument: an unknown command or flag, with the nearest one there is
Result<CommandLine> parse_command_line(const std::vector<std::string>& words);

}  // namespace vecmill::cli
