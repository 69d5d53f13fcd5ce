#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "vecmill/cli/exit_code.h"

namespace vecmill::cli {

/// From its making on, SIGINT (Ctrl-C) and SIGTERM ask for an orderly end; a second one ends the
/// program at once. To be made before any thread is, once in a process.
class Interrupt {
 public:
  Interrupt();

  [[nodiscard]] std::stop_token stop() const;
  /// What to exit with after the orderly end.
  [[nodiscard]] ExitCode exit_code() const;
};

/// A word as a shell takes it.
[[nodiscard]] std::string quoted(const std::string& word);

/// The command line that goes on with an interrupted one, ready to paste into a shell.
[[nodiscard]] std::string resume_command(const std::vector<std::string>& typed);

}  // namespace vecmill::cli
