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

TEST(PercentTest, EveryByteComesBack) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
  EXPECT_EQ(percent_decode("a%2fb%2F"), "a/b/");
}

TEST(PercentTest, WhatIsNoneIsRefused) {
  for (const char* text : {"%", "a%2", "%g0", "%0g", "%00", "%-1"}) {
    EXPECT_FALSE(percent_decode(text)) << text;
  }
  EXPECT_FALSE(percent_decode(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace vecmill
