#include "vecmill/remote/spending.h"

#include <gtest/gtest.h>

#include <string>

namespace vecmill::remote {
namespace {

TEST(SpendingTest, AModelFindsNoMoreTokensThanBytesAndThanItTakes) {
  const RemoteModel known{.dialect = find_dialect("openai"), .name = "text-embedding-3-small"};
  EXPECT_EQ(most_tokens(known, "four"), 36u);
  const std::string longer(100'000, 'x');
  EXPECT_EQ(most_tokens(known, longer), find_model("openai", known.name).max_tokens);
  EXPECT_EQ(most_tokens({.dialect = find_dialect("openai"), .name = "new"}, longer), 100'032u);
  EXPECT_EQ(tokens_around(known), 0u);
  EXPECT_EQ(tokens_around({.dialect = find_dialect("voyage"), .name = "voyage-4"}), 32u);
}

}  // namespace
}  // namespace vecmill::remote
