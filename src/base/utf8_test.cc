#include "vecmill/base/utf8.h"

#include <gtest/gtest.h>

namespace vecmill {
namespace {

TEST(Utf8Test, EveryCodePointSurvivesTheRoundTrip) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const CodePoint back = decode_utf8(text, 0);
    ASSERT_EQ(back.value, c);
    ASSERT_EQ(back.bytes, text.size());
    ASSERT_TRUE(is_valid_utf8(text));
  }
}

TEST(Utf8Test, FirstInvalidByteIsNamed) {
  EXPECT_EQ(first_invalid_utf8("abc"), 3u);
  EXPECT_EQ(first_invalid_utf8("ab\xff"), 2u);
  EXPECT_EQ(first_invalid_utf8("a\xc3"), 1u);
  EXPECT_EQ(first_invalid_utf8("\xed\xa0\x80"), 0u);
  EXPECT_EQ(first_invalid_utf8("é\xc0\x80"), 2u);
}

}  // namespace
}  // namespace vecmill
