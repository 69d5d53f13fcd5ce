#include "vecmill/postgres/listener.h"

#include <gtest/gtest.h>

#include <thread>

#include "vecmill/postgres/testing.h"

namespace vecmill::postgres {
namespace {

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!server_) GTEST_SKIP() << "Debian's postgresql-15 is not installed";
    run("DROP TABLE IF EXISTS kb; CREATE TABLE kb(id int PRIMARY KEY, body text, n int)");
  }

  static void SetUpTestSuite() { server_ = TestServer::begin(); }
  static void TearDownTestSuite() { server_.reset(); }

  static Url url() { return *parse_url(server_->url() + "&table=kb&text=body"); }
  static Connection connection() { return *Connection::open(url()); }
  static void run(const std::string& sql) {
    const Status done = Connection::open(*parse_database(server_->url()))->run_script(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }

  static bool wakes(Listener& listener) { return listener.wait(std::chrono::seconds(30), {}); }

  static Listener open() {
    auto with = connection();
    const Table table = *describe(with, url());
    EXPECT_TRUE(make_trigger(with, table, "body"));
    return *Listener::open(url(), channel_of(table));
  }

  static inline std::unique_ptr<TestServer> server_;
};

TEST_F(ListenerTest, WhatChangesRowsEndsTheWaitAlsoOfWhoComesLater) {
  Listener listener = open();
  for (const char* sql : {"INSERT INTO kb VALUES (1, 'one', 1)", "UPDATE kb SET body = 'two'"}) {
    run(sql);
    EXPECT_TRUE(wakes(listener)) << sql;
  }
}

TEST_F(ListenerTest, WhatHasNoTextToEmbedDoesNot) {
  Listener listener = open();
  run("INSERT INTO kb VALUES (1, 'one', 1)");
  EXPECT_TRUE(wakes(listener));
  run("UPDATE kb SET n = 2; DELETE FROM kb; CREATE TABLE IF NOT EXISTS other(id int)");
  EXPECT_FALSE(listener.wait(std::chrono::milliseconds(100), {}));
  run("INSERT INTO kb VALUES (2, 'two', 1)");
  EXPECT_TRUE(wakes(listener)) << "and hears what comes behind it";
}

TEST_F(ListenerTest, AStopEndsTheWait) {
  Listener listener = open();
  std::stop_source stop;
  std::thread other([&] { stop.request_stop(); });
  EXPECT_FALSE(listener.wait(std::chrono::hours(1), stop.get_token()));
  other.join();
}

TEST_F(ListenerTest, ALostSessionEndsTheWaitAndSoDoesTheNextOne) {
  Listener listener = open();
  const char* end_others =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE application_name = 'vecmill' AND pid <> pg_backend_pid()";
  run(end_others);
  EXPECT_TRUE(wakes(listener)) << "who knows what was missed";
  EXPECT_TRUE(wakes(listener)) << "there was nobody to hear it until now";
  run("INSERT INTO kb VALUES (1, 'one', 1)");
  EXPECT_TRUE(wakes(listener));
}

TEST_F(ListenerTest, AServerThatIsOutIsWaitedFor) {
  Listener listener = open();
  server_->kill();
  EXPECT_TRUE(wakes(listener));
  EXPECT_FALSE(listener.wait(std::chrono::milliseconds(1), {}));
  std::thread waiting([&] { EXPECT_TRUE(wakes(listener)) << "it is tried again and again"; });
  server_->start();
  waiting.join();
}

TEST_F(ListenerTest, TheTriggerIsMadeOnceAndOneThatIsOffIsMadeAnew) {
  auto with = connection();
  const Table table = *describe(with, url());
  EXPECT_FALSE(*has_trigger(with, table));
  for (int run = 0; run < 2; ++run) EXPECT_TRUE(make_trigger(with, table, "body"));
  EXPECT_TRUE(*has_trigger(with, table));
  run("ALTER TABLE kb DISABLE TRIGGER vecmill_watch");
  EXPECT_FALSE(*has_trigger(with, table));
  EXPECT_TRUE(make_trigger(with, table, "body"));
  EXPECT_TRUE(*has_trigger(with, table));
}

TEST_F(ListenerTest, AViewHasNone) {
  run("CREATE OR REPLACE VIEW seen AS SELECT * FROM kb");
  auto with = connection();
  const Table view = *describe(with, *parse_url(server_->url() + "&table=seen"));
  EXPECT_EQ(make_trigger(with, view, "body").error().kind, ErrorKind::kUnsupported);
  run("DROP VIEW seen");
}

}  // namespace
}  // namespace vecmill::postgres
