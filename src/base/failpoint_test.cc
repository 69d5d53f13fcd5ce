#include "vecmill/base/failpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace vecmill {
namespace {

/// Runs in a process of its own, which the third pass may end.
[[noreturn]] void pass_three_times(const char* armed) {
  setenv("VECMILL_FAILPOINT", armed, 1);
  for (int i = 0; i < 3; ++i) failpoint("test.point");
  std::exit(0);
}

class FailpointDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(FailpointDeathTest, EndsTheProcessAtTheCountedPass) {
  for (const char* armed : {"test.point:1", "test.point:3"}) {
    EXPECT_EXIT(pass_three_times(armed), testing::ExitedWithCode(137), "") << armed;
  }
}

TEST_F(FailpointDeathTest, DoesNothingWhenNotArmedOrNotReached) {
  for (const char* armed : {"", "test.point", "test.point:4", "test.point:0", "other:1"}) {
    EXPECT_EXIT(pass_three_times(armed), testing::ExitedWithCode(0), "") << armed;
  }
}

}  // namespace
}  // namespace vecmill
