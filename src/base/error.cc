#include "vecmill/result.h"

namespace vecmill {

std::string Error::to_string() const {
  std::string line = where.empty() ? message : where + ": " + message;
  if (!hint.empty()) line += "; " + hint;
  return line;
}

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument: return "invalid_argument";
    case ErrorKind::kInvalidData: return "invalid_data";
    case ErrorKind::kNotFound: return "not_found";
    case ErrorKind::kUnsupported: return "unsupported";
    case ErrorKind::kMismatch: return "mismatch";
    case ErrorKind::kIo: return "io";
    case ErrorKind::kAuth: return "auth";
    case ErrorKind::kUnavailable: return "unavailable";
    case ErrorKind::kLimited: return "limited";
    case ErrorKind::kTooLong: return "too_long";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return "unknown";
}

}  // namespace vecmill
