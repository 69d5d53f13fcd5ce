#include "vecmill/cli/exit_code.h"

namespace vecmill::cli {

ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kNotFound: return kExitUsage;
    case ErrorKind::kInvalidData:
    case ErrorKind::kUnsupported:
    case ErrorKind::kMismatch:
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
