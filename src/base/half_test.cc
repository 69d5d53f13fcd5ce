#include "vecmill/base/half.h"

#include <gtest/gtest.h>

#include <utility>

namespace vecmill {
namespace {

TEST(HalfTest, EveryHalfComesBackAndValuesAreRoundedToTheNearest) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = from_half(static_cast<std::uint16_t>(bits));
    const bool nan = (bits & 0x7FFF) > 0x7C00;
    EXPECT_EQ(to_half(value), nan ? (bits & 0x8000) | 0x7E00 : bits) << bits;
  }
  const std::pair<float, float> cases[] = {{1.0F + 0x1p-11F, 1.0F},
                                           {1.0F + 0x3p-11F, 1.0F + 0x1p-9F},
                                           {65519.0F, 65504.0F},
                                           {0x1p-25F, 0.0F},
                                           {0x1.8p-25F, 0x1p-24F},
                                           {-0x1p-30F, -0.0F},
                                           {1.0F + 0x1.1p-11F, 1.0F + 0x1p-10F}};
  for (const auto& [value, wanted] : cases) EXPECT_EQ(from_half(to_half(value)), wanted) << value;
  EXPECT_EQ(to_half(65520.0F), 0x7C00);
  EXPECT_EQ(to_half(-1e30F), 0xFC00);
}

}  // namespace
}  // namespace vecmill
