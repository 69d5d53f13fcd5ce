#include "vecmill/base/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace vecmill {
namespace {

std::optional<JsonProblem> problem_of(const std::string& text) {
  std::vector<JsonField> fields;
  return scan_json_object(text, fields);
}

TEST(JsonTextTest, MembersKeepTheTextThatTheyHave) {
  const std::string text =
      "\t{ \"a\" : 1.50e+02 ,\r\n\"b\\n\":[ 1, {\"x\":null}],\"\":\"\\u0041\\\\\",\"a\":true } ";
  std::vector<JsonField> fields;
  ASSERT_FALSE(scan_json_object(text, fields));
  std::vector<std::pair<std::string, std::string>> found;
  for (const JsonField& field : fields) found.emplace_back(field.key, field.value);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1.50e+02"}, {"b\\n", "[ 1, {\"x\":null}]"}, {"", "\"\\u0041\\\\\""}, {"a", "true"}};
  EXPECT_EQ(found, expected);
}

TEST(JsonTextTest, EveryValueOfTheGrammar) {
  for (const char* value : {"0", "-0", "10", "0.5", "1e9", "1E-9", "-1.25e+3", "true", "false",
                            "null", "[]", "{}", "[[],{}]", "\"\"", R"("\"\\\/\b\f\n\r\t\uD83D")"}) {
    EXPECT_FALSE(problem_of("{\"k\":" + std::string(value) + "}")) << value;
  }
  EXPECT_FALSE(problem_of("{}"));
}

TEST(JsonTextTest, WhatIsNotJsonIsNamedWithItsPlace) {
  struct Case {
    const char* text;
    std::size_t at;
    const char* what;
  };
  for (const auto& [text, at, what] :
       std::vector<Case>{{"", 0, "is not a JSON object"},
                         {"[1]", 0, "is not a JSON object"},
                         {"{", 1, "needs a quoted key here"},
                         {"{a:1}", 1, "needs a quoted key here"},
                         {"{\"a\":1,}", 7, "needs a quoted key here"},
                         {"{\"a\" 1}", 5, "needs a colon here"},
                         {"{\"a\":1 \"b\":2}", 7, "needs a comma or a closing brace here"},
                         {"{\"a\":01}", 6, "needs a comma or a closing brace here"},
                         {"{\"a\":[1 2]}", 8, "needs a comma or a closing bracket here"},
                         {"{\"a\":[1,]}", 8, "has a broken number or value here"},
                         {"{\"a\":}", 5, "has a broken number or value here"},
                         {"{\"a\":-}", 6, "has a broken number or value here"},
                         {"{\"a\":1.}", 7, "has a broken number or value here"},
                         {"{\"a\":1e+}", 8, "has a broken number or value here"},
                         {"{\"a\":tru}", 5, "has an unknown word here"},
                         {"{\"a\":\"x", 7, "ends inside a string"},
                         {"{\"a\":\"\n\"}", 6, "has an unescaped control character in a string"},
                         {"{\"a\":\"\\x\"}", 6, "has an unknown escape"},
                         {"{\"a\":\"\\", 6, "has an unknown escape"},
                         {"{\"a\":\"\\u00g0\"}", 6, "has a broken \\u escape"},
                         {"{\"a\":\"\\u00", 6, "has a broken \\u escape"},
                         {"{} {}", 3, "has something behind the JSON object"}}) {
    const auto problem = problem_of(text);
    ASSERT_TRUE(problem) << text;
    EXPECT_EQ(problem->what, what) << text;
    EXPECT_EQ(problem->at, at) << text;
  }
}

TEST(JsonTextTest, NestingHasALimit) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_FALSE(problem_of(nested(127)));
  const auto problem = problem_of(nested(1'000'000));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->what, "is nested too deep");
}

TEST(JsonTextTest, EscapesAreResolved) {
  EXPECT_EQ(json_string(R"("a\"\\\/\b\f\n\r\t")"), "a\"\\/\b\f\n\r\t");
  EXPECT_EQ(json_string(R"("\u0041\u00e4\u20AC\uD83D\uDE00")"), "Aä€😀");
  for (const char* lone : {R"("\uDC00")", R"("\uD800")", R"("\uD800x")", R"("\uD800\u0041")"}) {
    EXPECT_EQ(json_string(lone), std::nullopt) << lone;
  }
  EXPECT_EQ(json_string("12"), std::nullopt);
}

TEST(JsonTextTest, AnyTextComesBack) {
  std::string text = "plain \"quoted\" \\ / ä 😀 ";
  for (char c = 0; c < 0x20; ++c) text += c;
  std::string json;
  append_json_string(json, text);
  EXPECT_EQ(json_string(json), text);
  EXPECT_FALSE(problem_of("{" + json + ":" + json + "}"));
}

}  // namespace
}  // namespace vecmill
