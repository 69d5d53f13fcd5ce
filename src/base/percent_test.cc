#include "vecmill/base/percent.h"

#include <gtest/gtest.h>

namespace vecmill {
namespace {

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
