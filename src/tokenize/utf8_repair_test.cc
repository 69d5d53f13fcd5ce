#include "vecmill/tokenize/utf8_repair.h"

#include <gtest/gtest.h>

namespace vecmill::tokenize {
namespace {

#define FFFD "\xEF\xBF\xBD"

/// The same as bytes.decode("utf-8", "replace") of Python.
TEST(RepairUtf8, OneReplacementForEachStartOfACharacterThatStops) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"a\xFF", "a" FFFD},
      {"\x80", FFFD},
      {"\xC3", FFFD},
      {"\xC0\xAF", FFFD FFFD},
      {"\xE2\x96", FFFD},
      {"\xE2\x96x", FFFD "x"},
      {"\xE1\x80\xE2\x82\xAC", FFFD "\xE2\x82\xAC"},
      {"\xE0\x80\x80", FFFD FFFD FFFD},
      {"\xED\xA0\x80", FFFD FFFD FFFD},
      {"\xF0\x9F\x98", FFFD},
      {"\xF0\x80\x80\x80", FFFD FFFD FFFD FFFD},
      {"\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD},
      {"\xF5", FFFD},
      {"\xF4\x8F\xBF\xBF\xEE\x80\x80", "\xF4\x8F\xBF\xBF\xEE\x80\x80"}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(repair_utf8(bytes), text);
}

}  // namespace
}  // namespace vecmill::tokenize
