#include "vecmill/provider/hash_provider.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vecmill::provider {
namespace {

Embedding embed(std::string_view text, const HashOptions& options = {},
                Truncate truncate = Truncate::kEnd) {
  const auto provider = make_hash_provider(options);
  auto results = provider->embed(std::span(&text, 1), {Role::kDocument, truncate});
  EXPECT_TRUE(results.at(0).has_value());
  return *results.at(0);
}

double dot(const Embedding& a, const Embedding& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.vector.size(); ++i) sum += a.vector[i] * b.vector[i];
  return sum;
}

TEST(HashProvider, EveryVectorHasLengthOne) {
  for (const std::string_view text : {"", " ", "a", "undo a commit", "\xF0\x9F\x98\x80", "..."}) {
    EXPECT_NEAR(dot(embed(text), embed(text)), 1.0, 1e-6) << text;
  }
}

TEST(HashProvider, LikeTextsAreNearerThanOthers) {
  const Embedding question = embed("undo the last commit");
  EXPECT_GT(dot(question, embed("how to undo a Commit in git")),
            dot(question, embed("bake bread with sourdough")));
}

TEST(HashProvider, CutsWhereItIsTold) {
  const HashOptions limit{64, 2};
  EXPECT_EQ(embed("a b c", limit).vector, embed("a b", limit).vector);
  EXPECT_EQ(embed("a b c", limit, Truncate::kStart).vector, embed("b c", limit).vector);
  EXPECT_EQ(embed("a b c", limit).truncated_tokens, 1U);
  const auto provider = make_hash_provider(limit);
  const std::string_view text = "a b c";
  const auto results = provider->embed(std::span(&text, 1), {Role::kDocument, Truncate::kError});
  ASSERT_FALSE(results.at(0).has_value());
  EXPECT_EQ(results.at(0).error().kind, ErrorKind::kTooLong);
}

TEST(HashProvider, DimsAndLimitChangeTheSpace) {
  const auto space = [](const HashOptions& options, Truncate truncate) {
    return make_hash_provider(options)->capabilities({Role::kDocument, truncate}).space.space;
  };
  EXPECT_EQ(space({}, Truncate::kEnd), space({}, Truncate::kError));
  EXPECT_NE(space({}, Truncate::kEnd), space({}, Truncate::kStart));
  EXPECT_NE(space({}, Truncate::kEnd), space({64, 0}, Truncate::kEnd));
  EXPECT_NE(space({}, Truncate::kEnd), space({0, 2}, Truncate::kEnd));
}

}  // namespace
}  // namespace vecmill::provider
