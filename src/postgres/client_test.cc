#include "vecmill/postgres/client.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "vecmill/postgres/parameters.h"
#include "vecmill/postgres/testing.h"

namespace vecmill::postgres {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 1> kScripts{
    "CREATE TABLE @vecmill_things(version integer); INSERT INTO @vecmill_things VALUES (1);"};
constexpr Objects kThings{.name = "things", .scripts = kScripts, .maker = "nobody"};

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!server_) server_ = TestServer::begin();
    if (!server_) GTEST_SKIP() << "Debian's postgresql-15 is not installed";
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientOptions options(const std::string& more = {}) {
    return {.url = *parse_database(server_->url() + more),
            .connect_within = 5s,
            .answer_within = 5s,
            .pause_first = 1ms,
            .pause_most = 1ms};
  }
  static Rows sql(const std::string& text) {
    return *Connection::open(*parse_database(server_->url()))->run(text);
  }

  static inline std::unique_ptr<TestServer> server_;
};

TEST_F(ClientTest, ASessionThatTheServerEndedIsMadeAgain) {
  Client client(options());
  const auto pid = client.run("SELECT pg_backend_pid()::text", {});
  ASSERT_TRUE(pid) << pid.error().to_string();
  sql("SELECT pg_terminate_backend(" + std::string(pid->at(0, 0)) + ", 5000)");
  const auto next = client.run("SELECT pg_backend_pid()::text", {});
  ASSERT_TRUE(next) << next.error().to_string();
  EXPECT_NE(pid->at(0, 0), next->at(0, 0));
}

TEST_F(ClientTest, AServerThatDoesNotAnswerIsGivenUpAndLeftAlone) {
  ClientOptions given = options();
  given.answer_within = 100ms;
  given.pause_first = given.pause_most = 1h;
  Client client(given);
  const auto limit = client.run("SELECT current_setting('statement_timeout')", {});
  ASSERT_EQ(limit->at(0, 0), "100ms");
  auto holder = Connection::open(given.url);
  ASSERT_TRUE(holder->run("SELECT pg_advisory_lock(1)"));
  const auto late = client.run("SELECT pg_advisory_lock(1)", {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kUnavailable);
  const auto left_alone = client.run("SELECT", {});
  ASSERT_FALSE(left_alone) << "it would answer now";
  EXPECT_EQ(left_alone.error().to_string(), late.error().to_string());
  // What is given up here is given up there, so that nothing is done that nobody waits for.
  while (holder->run("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")->size() >
         0) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(holder->run("SELECT pg_advisory_unlock(1)"));
  EXPECT_TRUE(sql("SELECT pg_try_advisory_lock(1)::text").yes(0, 0));
}

TEST_F(ClientTest, AServerThatComesBackIsThereAgain) {
  Client client(options());
  ASSERT_TRUE(client.server());
  server_->kill();
  while (client.run("SELECT", {})) std::this_thread::yield();
  server_->start();
  while (!client.run("SELECT", {})) std::this_thread::yield();
}

TEST_F(ClientTest, ObjectsAreMadeWhereTheyAreNotAndThoseOfAnotherVersionAreRefused) {
  sql("CREATE SCHEMA s");
  ClientOptions given = options("&schema=s");
  given.objects = &kThings;
  for (int i = 0; i < 2; ++i) {
    Client client(given);
    const auto rows = client.run("SELECT version::text FROM @vecmill_things", {});
    ASSERT_TRUE(rows) << rows.error().to_string();
    EXPECT_EQ(rows->number(0, 0), 1U);
  }
  sql("UPDATE s.vecmill_things SET version = 2");
  EXPECT_EQ(Client(given).server().error().kind, ErrorKind::kUnsupported);
}

TEST_F(ClientTest, SaysWhatTheServerIs) {
  const auto server = Client(options()).server();
  ASSERT_TRUE(server);
  EXPECT_TRUE(server->version.starts_with("15.")) << server->version;
  EXPECT_FALSE(server->tls);
  EXPECT_TRUE(server->local);
  EXPECT_FALSE(server->syncs) << "the tests' server has fsync off";
  ClientOptions nobody = options();
  nobody.url = *parse_database("postgres://nobody@/postgres?" +
                               server_->url().substr(server_->url().find("host=")));
  EXPECT_EQ(Client(nobody).server().error().kind, ErrorKind::kAuth);
}

}  // namespace
}  // namespace vecmill::postgres
