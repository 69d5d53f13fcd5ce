#include "vecmill/remote/reply.h"

#include <gtest/gtest.h>

#include <limits>

#include "vecmill/remote/reply_check.h"

namespace vecmill::remote {
namespace {

Result<Reply> parse(std::string_view body, std::size_t max_rows = 4) {
  return parse_reply(ReplyShape{}, body, max_rows);
}

TEST(ReplyTest, NumbersAndBase64AreTheSameVector) {
  for (const char* vector : {"[1.5,-2]", R"("AADAPwAAAMA=")"}) {
    const auto reply = parse(R"({"object":"list","data":[{"object":"embedding","index":3,)"
                             R"("embedding":)" +
                             std::string(vector) +
                             R"(}],"model":"m-1","usage":{"prompt_tokens":9,"total_tokens":7}})");
    ASSERT_TRUE(reply) << reply.error().to_string();
    ASSERT_EQ(reply->rows.size(), 1u);
    EXPECT_EQ(reply->rows[0].index, 3u);
    EXPECT_EQ(reply->rows[0].vector, (std::vector<float>{1.5F, -2.0F}));
    EXPECT_EQ(reply->model, "m-1");
    EXPECT_EQ(reply->tokens, 7u);
  }
}

TEST(ReplyTest, OthersKeepTheirVectorsElsewhere) {
  const struct {
    const char *dialect, *body;
    std::uint64_t tokens;
  } cases[] = {
      {"cohere", R"({"embeddings":{"float":[[1],[2]]},"meta":{"billed_units":{"input_tokens":5}}})",
       5},
      {"ollama", R"({"model":"m","embeddings":[[1],[2]],"prompt_eval_count":5})", 5},
      {"gemini", R"({"embeddings":[{"values":[1]},{"values":[2]}]})", 0},
      {"tei", "[[1],[2]]", 0},
  };
  for (const auto& c : cases) {
    const auto reply = parse_reply(find_dialect(c.dialect)->shape, c.body, 2);
    ASSERT_TRUE(reply) << c.dialect << reply.error().to_string();
    ASSERT_EQ(reply->rows.size(), 2u);
    EXPECT_EQ(reply->rows[1].index, 1u);
    EXPECT_EQ(reply->rows[1].vector, std::vector<float>{2.0F});
    EXPECT_EQ(reply->tokens, c.tokens) << c.dialect;
    EXPECT_FALSE(parse_reply(find_dialect(c.dialect)->shape, c.body, 1)) << c.dialect;
    EXPECT_FALSE(parse_reply(ReplyShape{}, c.body, 2)) << c.dialect;
  }
}

TEST(ReplyTest, AnythingElseIsRefusedWithoutBeingShown) {
  const std::string row = R"({"index":0,"embedding":[1]})";
  const std::string cases[] = {
      "",
      "<html>SECRET</html>",
      "[]",
      "7",
      "{}",
      R"({"data":{}})",
      R"({"data":[1]})",
      R"({"data":[{"embedding":[1]}]})",
      R"({"data":[{"index":-1,"embedding":[1]}]})",
      R"({"data":[{"index":0.5,"embedding":[1]}]})",
      R"({"data":[{"index":0}]})",
      R"({"data":[{"index":0,"embedding":{}}]})",
      R"({"data":[{"index":0,"embedding":[1,"SECRET"]}]})",
      R"({"data":[{"index":0,"embedding":[1,NaN]}]})",
      R"({"data":[{"index":0,"embedding":"SECRET!"}]})",
      R"({"data":[{"index":0,"embedding":"AADAPwA="}]})",
      R"({"data":[)" + row + "," + row + "," + row + "]}",
      R"({"data":[)" + row + "]",
      std::string(5000, '['),
  };
  for (const std::string& body : cases) {
    const auto reply = parse(body, 2);
    ASSERT_FALSE(reply) << body;
    EXPECT_EQ(reply.error().kind, ErrorKind::kInvalidData) << body;
    EXPECT_EQ(reply.error().to_string().find("SECRET"), std::string::npos);
  }
}

constexpr float kInf = std::numeric_limits<float>::infinity();
const std::vector<std::string_view> kTexts{"one", "two"};

Reply reply_of(std::vector<std::vector<float>> vectors) {
  Reply reply;
  for (auto& vector : vectors) reply.rows.push_back({reply.rows.size(), std::move(vector)});
  reply.model = "m";
  return reply;
}

bool accepts(const Reply& reply, const std::vector<std::string_view>& texts = kTexts,
             std::uint32_t dims = 2) {
  const Status status = check_reply(reply, {texts, dims, "m"});
  EXPECT_TRUE(status || status.error().kind == ErrorKind::kInvalidData);
  return status.has_value();
}

TEST(ReplyCheckTest, AcceptsVectorsInAnyOrder) {
  Reply reply = reply_of({{1, 0}, {0, 1}});
  EXPECT_TRUE(accepts(reply));
  std::swap(reply.rows[0].index, reply.rows[1].index);
  EXPECT_TRUE(accepts(reply));
  EXPECT_TRUE(accepts(reply, kTexts, 0));
  reply.model = "";
  EXPECT_TRUE(check_reply(reply, {kTexts, 2, ""}));
}

TEST(ReplyCheckTest, Count) {
  EXPECT_FALSE(accepts(reply_of({{1, 0}})));
  EXPECT_FALSE(accepts(reply_of({})));
  EXPECT_FALSE(accepts(reply_of({{1, 0}, {0, 1}, {1, 1}})));
}

TEST(ReplyCheckTest, Permutation) {
  Reply twice = reply_of({{1, 0}, {0, 1}});
  twice.rows[1].index = 0;
  EXPECT_FALSE(accepts(twice));
  Reply beyond = reply_of({{1, 0}, {0, 1}});
  beyond.rows[1].index = 2;
  EXPECT_FALSE(accepts(beyond));
}

TEST(ReplyCheckTest, Dimension) {
  EXPECT_FALSE(accepts(reply_of({{1, 0}, {0, 1, 1}})));
  EXPECT_FALSE(accepts(reply_of({{1}, {2}})));
  EXPECT_FALSE(accepts(reply_of({{1, 0}, {0, 1, 1}}), kTexts, 0));
  EXPECT_FALSE(accepts(reply_of({{}, {}}), kTexts, 0));
}

TEST(ReplyCheckTest, Finite) {
  for (const float bad : {kInf, -kInf, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_FALSE(accepts(reply_of({{1, 0}, {1, bad}})));
  }
}

TEST(ReplyCheckTest, Norm) {
  EXPECT_FALSE(accepts(reply_of({{1, 0}, {0, -0.0F}})));
  EXPECT_TRUE(accepts(reply_of({{1, 0}, {0, 1e-30F}})));
}

TEST(ReplyCheckTest, ModelName) {
  Reply reply = reply_of({{1, 0}, {0, 1}});
  reply.model = "m-large";
  EXPECT_FALSE(accepts(reply));
  reply.model = "";
  EXPECT_FALSE(accepts(reply));
}

TEST(ReplyCheckTest, Distinct) {
  const Reply same = reply_of({{1, 0}, {1, 0}});
  EXPECT_FALSE(accepts(same));
  EXPECT_TRUE(accepts(same, {"one", "one"}));
  EXPECT_TRUE(accepts(same, {"One \n", "one"}));
  EXPECT_TRUE(accepts(same, {"\xE6\x97\xA5", "\xE6\x9C\xAC"}));
  EXPECT_FALSE(accepts(same, {"one.", "one"}));
}

}  // namespace
}  // namespace vecmill::remote
