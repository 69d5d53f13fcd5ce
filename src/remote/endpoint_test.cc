#include "vecmill/remote/endpoint.h"

#include <gtest/gtest.h>

#include <map>

#include "vecmill/remote/open_remote.h"

namespace vecmill::remote {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Endpoint> find(const std::string& name, const Variables& variables,
                      const ProviderSettings& settings = {}, std::uint32_t dims = 0) {
  return find_endpoint(name, dims, settings, [&](const std::string& variable) {
    const auto found = variables.find(variable);
    return found == variables.end() ? std::string() : found->second;
  });
}

TEST(EndpointTest, TheEnvironmentBeatsTheSettings) {
  ProviderSettings settings;
  settings.base_url = "https://file/v1/";
  const auto said = find("openai:m", {{"OPENAI_API_KEY", "k"}}, settings);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->model.base_url, "https://file/v1");
  EXPECT_FALSE(said->model.at_vendor);
  const auto stronger = find(
      "openai:m", {{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "https://environment"}}, settings);
  ASSERT_TRUE(stronger);
  EXPECT_EQ(stronger->model.base_url, "https://environment");
}

TEST(EndpointTest, AProviderOfOnesOwnHasItsOwnVariables) {
  ProviderSettings settings;
  settings.api = "openai-compatible";
  const Variables others{{"VECMILL_REMOTE_API_KEY", "k"},
                         {"OPENAI_API_KEY", "k"},
                         {"VECMILL_REMOTE_BASE_URL", "https://other"},
                         {"MY_CORP_BASE_URL", "https://mine/v1"}};
  const auto found = find("my-corp:m", others, settings);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->key.empty());
  EXPECT_EQ(found->model.base_url, "https://mine/v1");
  EXPECT_EQ(full_name(found->model), "my-corp:m");
  settings.key_env = "CORP_KEY";
  EXPECT_EQ(find("my-corp:m", others, settings).error().kind, ErrorKind::kAuth);
}

TEST(EndpointTest, AKeyOfTheOtherHostIsNotSent) {
  EXPECT_EQ(find("voyage:voyage-code-3", {{"VOYAGE_API_KEY", "al-x"}})->model.base_url,
            "https://ai.mongodb.com/v1");
  const auto kind = [](const char* key, const char* url) {
    const auto found =
        find("voyage:voyage-code-3", {{"VOYAGE_API_KEY", key}, {"VOYAGE_BASE_URL", url}});
    return found ? "fits" : std::string(name(found.error().kind));
  };
  EXPECT_EQ(kind("al-x", "https://api.voyageai.com/v1"), "auth");
  EXPECT_EQ(kind("pa-x", "https://ai.mongodb.com/v1"), "auth");
  EXPECT_EQ(kind("pa-x", "https://api.voyageai.com/v1"), "fits");
  EXPECT_EQ(kind("al-x", "https://ai.mongodb.com/v1/"), "fits");
  EXPECT_EQ(kind("al-x", "https://gateway.example.com/v1"), "fits");
}

TEST(EndpointTest, AnAddressWithoutTlsIsForTheHostThatIsNamed) {
  const auto finds = [](const char* url, const Variables& more, bool plain) {
    Variables variables = more;
    variables["OPENAI_API_KEY"] = "k";
    ProviderSettings settings;
    settings.base_url = url;
    settings.plain_http = plain;
    return find("openai:m", variables, settings).has_value();
  };
  EXPECT_FALSE(finds("http://10.0.0.7/v1", {}, false));
  EXPECT_TRUE(finds("http://10.0.0.7/v1", {}, true));
  EXPECT_TRUE(finds("http://10.0.0.7/v1", {{"VECMILL_PLAIN_HTTP_HOST", "10.0.0.7"}}, false));
  EXPECT_FALSE(finds("http://10.0.0.8/v1", {{"VECMILL_PLAIN_HTTP_HOST", "10.0.0.7"}}, false));
}

TEST(DispatcherOptionsTest, WhatIsSaidIsStrongerThanWhatIsDocumented) {
  using std::chrono::seconds;
  const RemoteModel voyage{.dialect = find_dialect("voyage"), .name = "voyage-code-3"};
  const DispatcherOptions usual = dispatcher_options(voyage, {});
  EXPECT_EQ(usual.batch[0], 1000U);
  EXPECT_EQ(usual.requests_per_minute, 2000U);
  EXPECT_EQ(usual.tokens_per_minute, 3'000'000U);
  EXPECT_EQ(usual.timeout.most, seconds(60));
  RemoteOptions wanted;
  wanted.max_request_texts = 5000;
  wanted.provider.requests_per_minute = 3;
  wanted.provider.tokens_per_minute = 10'000;
  wanted.provider.in_flight = 2;
  wanted.provider.timeout = seconds(4);
  const DispatcherOptions said = dispatcher_options(voyage, wanted);
  EXPECT_EQ(said.requests_per_minute, 3U);
  EXPECT_EQ(said.tokens_per_minute, 10'000U);
  EXPECT_EQ(said.in_flight, 2U);
  EXPECT_EQ(said.timeout.least, seconds(4));
  EXPECT_EQ(said.timeout.most, seconds(4));
  EXPECT_EQ(said.batch[0], 1000U);  // no more than the API takes; of one's own server its owner
  const RemoteModel own{.dialect = find_dialect("tei"), .name = "m"};
  EXPECT_EQ(dispatcher_options(own, wanted).batch[0], 5000U);
  EXPECT_EQ(dispatcher_options(own, {}).timeout.most, seconds(120));
}

}  // namespace
}  // namespace vecmill::remote
