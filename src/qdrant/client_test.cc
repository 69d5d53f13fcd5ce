#include "vecmill/qdrant/client.h"

#include <gtest/gtest.h>

#include "vecmill/qdrant/point_id.h"
#include "vecmill/qdrant/testing.h"

namespace vecmill::qdrant {
namespace {

using http::LoopbackServer;
using Request = LoopbackServer::Request;

class QdrantClientTest : public testing::Test {
 protected:
  Result<Client> connect(const std::string& parameters = {}) {
    ClientOptions options;
    options.wait = [this](std::chrono::nanoseconds time) { waits.push_back(time); };
    return Client::open(parse_url(server.url(parameters)).value(), options);
  }

  /// The first replies to writes; then the ordinary ones.
  void answer_writes(std::vector<std::string> replies) {
    server.before = [replies = std::move(replies),
                     at = std::size_t{0}](const Request& request) mutable {
      if (!TestingServer::is_write(request) || at == replies.size()) {
        return std::optional<std::string>();
      }
      return std::optional(replies[at++]);
    };
  }

  [[nodiscard]] std::size_t writes() const {
    const auto requests = server.requests();
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(), TestingServer::is_write));
  }

  static std::string reply(int status, const std::string& said = "x",
                           const std::string& headers = {}) {
    return LoopbackServer::reply(status, R"({"status":{"error":")" + said + "\"}}", headers);
  }

  TestingServer server;
  std::vector<std::chrono::nanoseconds> waits;
};

const std::vector<std::string> kPoint = {R"({"id":1,"vector":{},"payload":{}})"};

TEST_F(QdrantClientTest, WhatIsThrottledWaitsAsLongAsTheServerSays) {
  server.collection = TestingServer::Json::object();
  answer_writes({reply(429, "slow", "Retry-After: 7\r\n")});
  auto client = connect();
  ASSERT_TRUE(client) << client.error().to_string();
  EXPECT_TRUE(client->write(kPoint));
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_GE(waits[0], std::chrono::seconds(7));
  EXPECT_EQ(server.points.size(), 1U);
}

TEST_F(QdrantClientTest, AWriteThatIsNotDoneIsSentAgain) {
  server.collection = TestingServer::Json::object();
  answer_writes({reply(500), reply(503), reply(408),
                 TestingServer::good({{"operation_id", 1}, {"status", "acknowledged"}}),
                 TestingServer::good({{"operation_id", 1}, {"status", "wait_timeout"}}),
                 LoopbackServer::reply(202, "{}"), LoopbackServer::reply(200, "<html>")});
  auto client = connect();
  EXPECT_TRUE(client->write(kPoint));
  EXPECT_EQ(writes(), 8U);
  EXPECT_EQ(waits.size(), 7U);
}

TEST_F(QdrantClientTest, AServerThatFailsForGoodIsGivenUp) {
  server.collection = TestingServer::Json::object();
  answer_writes(std::vector<std::string>(99, reply(503, "down")));
  auto client = connect();
  const Status written = client->write(kPoint);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(writes(), 10U);
}

TEST_F(QdrantClientTest, WhatCannotSucceedIsNotSentAgain) {
  server.collection = TestingServer::Json::object();
  const std::vector<std::tuple<std::string, ErrorKind>> cases = {
      {reply(400), ErrorKind::kInvalidData},
      {reply(422), ErrorKind::kInvalidData},
      {reply(401), ErrorKind::kAuth},
      {reply(403), ErrorKind::kAuth},
      {reply(404), ErrorKind::kNotFound},
      {reply(413), ErrorKind::kTooLong},
      {reply(400, "JSON payload (9 bytes) is larger than allowed"), ErrorKind::kTooLong},
      {reply(507), ErrorKind::kIo}};
  for (const auto& [answer, kind] : cases) {
    answer_writes({answer});
    auto client = connect();
    const Status written = client->write(kPoint);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, kind) << written.error().to_string();
  }
  EXPECT_EQ(writes(), cases.size());
  EXPECT_TRUE(waits.empty());
}

TEST_F(QdrantClientTest, WhatTheServerSaysOfPointsIsNotRepeated) {
  server.collection = TestingServer::Json::object();
  answer_writes({reply(400, "canary")});
  auto client = connect();
  EXPECT_EQ(client->write(kPoint).error().to_string().find("canary"), std::string::npos);
  server.before = [](const Request& request) {
    return request.method == "PATCH" ? std::optional(reply(400, "no such setting"))
                                     : std::optional<std::string>();
  };
  EXPECT_NE(client->change("{}").error().message.find("no such setting"), std::string::npos);
}

TEST_F(QdrantClientTest, TheKeyIsSentAndNeverShown) {
  setenv("VECMILL_TEST_QDRANT_KEY", "canary", 1);
  auto client = connect("?key_env=VECMILL_TEST_QDRANT_KEY");
  unsetenv("VECMILL_TEST_QDRANT_KEY");
  ASSERT_TRUE(client);
  EXPECT_EQ(server.requests().back().headers.at("api-key"), "canary");
  server.before = [](const Request&) { return std::optional(reply(403, "the key CANARY canary")); };
  const auto refused = client->count();
  EXPECT_EQ(refused.error().kind, ErrorKind::kAuth);
  EXPECT_EQ(refused.error().to_string().find("canary"), std::string::npos);
}

TEST_F(QdrantClientTest, ThePageBehindAPointBeginsWithTheNext) {
  server.collection = TestingServer::Json::object();
  for (int id = 1; id < 6; ++id) {
    const auto number = std::to_string(id);
    server.points[number] = {{"id", id}, {"payload", {{"text", number}}}};
  }
  auto client = connect();
  auto page = client->scroll({}, 3, "text");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->points.size(), 3U);
  page = client->scroll(page->next, 3, "text");
  EXPECT_EQ(page->points.size(), 2U);
  EXPECT_EQ(page->points[0].text, "4");
  EXPECT_TRUE(page->next.empty());
}

TEST_F(QdrantClientTest, ACollectionThatAnotherMadeIsTheirs) {
  auto client = connect();
  EXPECT_FALSE(client->describe().value());
  server.before = [this](const Request& request) {
    if (request.method != "PUT") return std::optional<std::string>();
    server.collection = TestingServer::Json::object();
    return std::optional(reply(409, "already exists"));
  };
  EXPECT_TRUE(client->create("{}"));
  server.collection.reset();
  server.before = [](const Request& request) {
    return request.method == "PUT" ? std::optional(reply(400, "no such distance"))
                                   : std::optional<std::string>();
  };
  EXPECT_NE(client->create("{}").error().message.find("no such distance"), std::string::npos);
}

TEST(QdrantClientVersionTest, OldServersAreRefused) {
  TestingServer server("1.11.9");
  const auto client = Client::open(parse_url(server.url()).value());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace vecmill::qdrant
