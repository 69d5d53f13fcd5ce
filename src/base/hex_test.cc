#include "vecmill/base/hex.h"

#include <gtest/gtest.h>

#include <array>

namespace vecmill {
namespace {

TEST(HexTest, TwoLowerCaseDigitsForEachByte) {
  const std::array bytes{std::byte{0}, std::byte{0x0F}, std::byte{0xA5}, std::byte{0xFF}};
  EXPECT_EQ(hex(bytes), "000fa5ff");
  EXPECT_EQ(hex({}), "");
}

}  // namespace
}  // namespace vecmill
