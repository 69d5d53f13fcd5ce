#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/result.h"

namespace vecmill {
namespace {

TEST(ErrorTest, TheLineSaysWhereWhatAndTheWayOut) {
  EXPECT_EQ(make_error(ErrorKind::kIo, "is full").to_string(), "is full");
  EXPECT_EQ(make_error(ErrorKind::kIo, "is full", "disk", "free some space").to_string(),
            "disk: is full; free some space");
}

TEST(ErrorTest, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  constexpr int kKinds = static_cast<int>(ErrorKind::kCancelled) + 1;
  for (int kind = 0; kind < kKinds; ++kind) names.insert(name(static_cast<ErrorKind>(kind)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kKinds));
  EXPECT_FALSE(names.contains("unknown"));
}

Result<int> half(int value) {
  if (value % 2 != 0) return make_error(ErrorKind::kInvalidArgument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  VECMILL_TRY(half(value));
  VECMILL_ASSIGN(const int once, half(value));
  return half(once);
}

TEST(ResultTest, MacrosHandTheErrorUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(3).error().message, "odd");
  EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(CheckDeathTest, ABrokenPromiseStopsTheProgram) {
  VECMILL_CHECK(1 + 1 == 2);
  EXPECT_DEATH(VECMILL_CHECK(1 + 1 == 3), "bug: 1 \\+ 1 == 3 does not hold");
}

}  // namespace
}  // namespace vecmill
