#include "vecmill/cli/exit_code.h"

namespace vecmill::cli {

ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument: return kExitUsage;
    case ErrorKind::kNotFound: return kExitUsage;
    case ErrorKind::kInvalidData: return kExitData;
    case ErrorKind::kUnsupported: return kExitData;
    case ErrorKind::kMismatch: return kExitData;
    case ErrorKind::kTooLong: return kExitData;
    case ErrorKind::kIo: return kExitIo;
    case ErrorKind::kAuth: return kExitAuth;
    case ErrorKind::kUnavailable: return kExitUnavailable;
    case ErrorKind::kLimited: return kExitLimited;
    case ErrorKind::kCancelled: return kExitInterrupted;
  }
  return kExitBug;
}

}  // namespace vecmill::cli
