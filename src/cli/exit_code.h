#pragma once

#include "vecmill/result.h"

namespace vecmill::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitNegative = 1,     ///< ran, and the answer is no
  kExitUsage = 2,        ///< usage or configuration
  kExitPartial = 3,      ///< some texts failed, the others are done
  kExitAuth = 4,         ///< a key is missing or was refused
  kExitUnavailable = 5,  ///< a server did not answer
  kExitLimited = 6,      ///< a budget or limit stopped it
  kExitData = 7,         ///< bad data
  kExitIo = 8,           ///< disk full, unwritable, unreadable
  kExitBug = 70,
  kExitInterrupted = 130,
  kExitTerminated = 143,
};

/// The one table from a kind of error to what a script sees.
[[nodiscard]] ExitCode exit_code(ErrorKind kind);

}  // namespace vecmill::cli
