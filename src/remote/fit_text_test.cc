#include "vecmill/remote/fit_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "vecmill/base/utf8.h"

namespace vecmill::remote {
namespace {

std::uint64_t characters(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += decode_utf8(text, at).bytes) ++count;
  return count;
}

TEST(FitTextTest, WhatFitsIsNotTouched) {
  for (const std::uint64_t most : {0, 5, 6}) {
    const auto fitted = fit_text("12345", {.most = most, .around = 3}, characters);
    EXPECT_EQ(fitted->text, "12345");
    EXPECT_EQ(fitted->tokens, 5u);
    EXPECT_EQ(fitted->truncated_tokens, 0u);
  }
}

TEST(FitTextTest, WhatIsTooLongIsCutAtTheEndThatWasAskedFor) {
  const auto end = fit_text("12345678", {.most = 5}, characters);
  EXPECT_EQ(end->text, "12345");
  EXPECT_EQ(end->tokens, 5u);
  EXPECT_EQ(end->truncated_tokens, 3u);
  const auto start = fit_text("12345678", {.most = 5, .truncate = Truncate::kStart}, characters);
  EXPECT_EQ(start->text, "45678");
  EXPECT_EQ(start->truncated_tokens, 3u);
}

TEST(FitTextTest, WhatIsCutLeavesRoomForWhatTheApiAdds) {
  EXPECT_EQ(fit_text("12345678", {.most = 5, .around = 2}, characters)->text, "123");
  EXPECT_EQ(fit_text("12345678", {.most = 5, .around = 6}, characters).error().kind,
            ErrorKind::kTooLong);
}

TEST(FitTextTest, WhoWantsNothingCutIsTold) {
  const auto refused =
      fit_text("123456", {.most = 5, .around = 2, .truncate = Truncate::kError}, characters);
  EXPECT_EQ(refused.error().kind, ErrorKind::kTooLong);
  EXPECT_EQ(refused.error().message,
            "the text has 6 tokens, 1 more than the 5 that the model takes");
}

TEST(FitTextTest, WhereNothingWouldBeLeftItFails) {
  const CountTokens always = [](std::string_view) { return 6; };
  EXPECT_EQ(fit_text("123456", {.most = 5}, always).error().kind, ErrorKind::kTooLong);
}

TEST(FitTextTest, ACharacterOfSeveralTokensIsCutWhole) {
  const CountTokens bytes = [](std::string_view text) { return text.size(); };
  EXPECT_EQ(fit_text("a😀", {.most = 4}, bytes)->text, "a");
  EXPECT_EQ(fit_text("字b", {.most = 3, .truncate = Truncate::kStart}, bytes)->text, "b");
  EXPECT_FALSE(fit_text("😀", {.most = 3}, bytes));
}

/// A token here is a character, so what is kept is known.
TEST(FitTextTest, CharactersStayWholeAndNoneIsCutInVain) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const std::size_t length = 1 + random() % 40;
    for (std::size_t i = 0; i < length; ++i) {
      append_utf8(text, std::array{U'a', U'é', U'字', U'😀'}[random() % 4]);
    }
    const std::uint64_t most = 1 + random() % 40;
    for (const Truncate truncate : {Truncate::kEnd, Truncate::kStart}) {
      const auto fitted = fit_text(text, {.most = most, .truncate = truncate}, characters);
      ASSERT_TRUE(fitted);
      ASSERT_TRUE(is_valid_utf8(fitted->text));
      ASSERT_EQ(fitted->tokens, std::min<std::uint64_t>(most, length)) << text;
      ASSERT_EQ(fitted->tokens + fitted->truncated_tokens, length);
      ASSERT_TRUE(truncate == Truncate::kEnd ? text.starts_with(fitted->text)
                                             : text.ends_with(fitted->text));
    }
  }
}

}  // namespace
}  // namespace vecmill::remote
