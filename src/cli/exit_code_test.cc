#include "vecmill/cli/exit_code.h"

#include <gtest/gtest.h>

namespace vecmill::cli {
namespace {

TEST(ExitCode, IsWhatScriptsRelyOn) {
  const std::pair<ErrorKind, int> cases[] = {
      {ErrorKind::kInvalidArgument, 2},
      {ErrorKind::kNotFound, 2},
      {ErrorKind::kInvalidData, 7},
      {ErrorKind::kUnsupported, 7},
      {ErrorKind::kMismatch, 7},
      {ErrorKind::kTooLong, 7},
      {ErrorKind::kIo, 8},
      {ErrorKind::kAuth, 4},
      {ErrorKind::kUnavailable, 5},
      {ErrorKind::kLimited, 6},
      {ErrorKind::kCancelled, 130},
  };
  for (const auto& [kind, code] : cases) EXPECT_EQ(exit_code(kind), code) << name(kind);
}

}  // namespace
}  // namespace vecmill::cli
