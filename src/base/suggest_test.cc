#include "vecmill/base/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace vecmill {
namespace {

TEST(EditDistance, CountsChanges) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("embd", "embed"), 1U);
  EXPECT_EQ(edit_distance("ebmed", "embed"), 1U);
  EXPECT_EQ(edit_distance("query", "pull"), 4U);
}

TEST(Suggestion, NamesTheNearestOrNothing) {
  constexpr std::array<std::string_view, 3> kVerbs = {"embed", "query", "models"};
  EXPECT_EQ(suggestion("embd", kVerbs), "did you mean embed?");
  EXPECT_EQ(suggestion("model", kVerbs), "did you mean models?");
  EXPECT_EQ(suggestion("frobnicate", kVerbs), "");
}

}  // namespace
}  // namespace vecmill
