#include "vecmill/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vecmill {
namespace {

TEST(OutputsTest, NamesAreReadBack) {
  for (int bits = 1; bits < 8; ++bits) {
    const Outputs outputs{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    const auto read = parse_outputs(name(outputs), "--outputs");
    ASSERT_TRUE(read) << name(outputs);
    EXPECT_EQ(*read, outputs);
  }
  EXPECT_EQ(name(Outputs{}), "dense");
  EXPECT_EQ(name(*parse_outputs("multivector,dense", "")), "dense,multivector");
}

TEST(OutputsTest, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "dense,", ",dense", "Dense", "dense,dense", "colbert", "dense sparse"}) {
    const auto read = parse_outputs(text, "--outputs");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_THAT(read.error().to_string(), testing::HasSubstr("--outputs"));
  }
}

TEST(OutputsTest, Containment) {
  EXPECT_TRUE((Outputs{true, true, false}.contain({true, false, false})));
  EXPECT_FALSE((Outputs{true, true, false}.contain({false, false, true})));
  EXPECT_TRUE(Outputs{}.only_dense());
  EXPECT_FALSE((Outputs{true, true, false}.only_dense()));
  EXPECT_FALSE((Outputs{false, true, false}.only_dense()));
}

}  // namespace
}  // namespace vecmill
