#include "vecmill/remote/remote_api.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "vecmill/http/loopback_server.h"

namespace vecmill::remote {
namespace {

/// The body of the request for a text of 40 bytes and one of 4, which have a token each.
std::string body_sent(const http::LoopbackServer& server, bool at_vendor, CallResult& result) {
  const RemoteModel model{.dialect = find_dialect("openai"),
                          .base_url = server.url(),
                          .at_vendor = at_vendor,
                          .name = "text-embedding-3-small",
                          .dims = 2};
  const TokensOf first_byte = [](std::string_view text) {
    return std::optional(TokenIds{static_cast<TokenId>(text[0])});
  };
  const auto api =
      make_remote_api(model, Secret("k"), std::make_shared<http::ApiClient>(), first_byte);
  const std::string longer(40, 'A');
  const std::vector<std::string_view> texts{longer, "BCDE"};
  std::promise<CallResult> done;
  api->start(texts, Role::kDocument, std::chrono::seconds(30),
             [&](CallResult got) { done.set_value(std::move(got)); });
  result = done.get_future().get();
  return server.requests().back().body;
}

TEST(RemoteApiTest, TokensAreSentToTheVendorOnlyAndTheirVectorsAreTheTexts) {
  const http::LoopbackServer server([](const auto&) {
    return http::LoopbackServer::reply(
        200, R"({"model":"text-embedding-3-small","usage":{"total_tokens":2},)"
             R"("data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2]}]})");
  });
  CallResult result;
  EXPECT_NE(body_sent(server, true, result).find(R"("input":[[65],[66]])"), std::string::npos);
  ASSERT_EQ(result.embeddings.size(), 2u);
  EXPECT_EQ(result.embeddings[0].vector, (std::vector<float>{1, 2}));
  EXPECT_EQ(result.embeddings[1].vector, (std::vector<float>{3, 4}));
  EXPECT_NE(body_sent(server, false, result).find(R"("BCDE"])"), std::string::npos);
  EXPECT_EQ(result.embeddings.size(), 2u);
}

}  // namespace
}  // namespace vecmill::remote
