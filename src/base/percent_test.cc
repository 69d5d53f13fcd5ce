#include "vecmill/base/percent.h"

#include <gtest/gtest.h>

namespace vecmill {
namespace {

TEST(PercentTest, OnlyWhatIsUnreservedStays) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b?c#d%e:f@g"), "a%20b%3Fc%23d%25e%3Af%40g");
  EXPECT_EQ(percent_encode(std::string_view("\0\x7f\xc3\xbc", 4)), "%00%7F%C3%BC");
  EXPECT_EQ(percent_encode(""), "");
}

TEST(PercentTest, SlashesOnlyStayWhereSegmentsAreJoined) {
  EXPECT_EQ(percent_encode("owner/name"), "owner%2Fname");
  EXPECT_EQ(percent_encode("owner/name", true), "owner/name");
}

}  // namespace
}  // namespace vecmill
