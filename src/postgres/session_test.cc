#include "vecmill/postgres/session.h"

#include <gtest/gtest.h>

#include "vecmill/postgres/testing.h"

namespace vecmill::postgres {
namespace {

std::string setting(PGconn* session, std::string_view name) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> all(PQconninfo(session),
                                                                         &PQconninfoFree);
  for (const PQconninfoOption* one = all.get(); one->keyword != nullptr; ++one) {
    if (one->keyword == name) return one->val != nullptr ? one->val : "";
  }
  return "no such setting";
}

TEST(SessionTest, AHostThatWentAwayIsNoticedAndTheUrlMaySayWhen) {
  const auto server = TestServer::begin();
  if (!server) GTEST_SKIP() << "PostgreSQL 15 is not there; run tools/setup.sh";
  const auto usual = connect(*parse_database(server->url()));
  ASSERT_TRUE(usual) << usual.error().to_string();
  EXPECT_EQ(setting(usual->get(), "keepalives_idle"), "30");
  EXPECT_EQ(setting(usual->get(), "keepalives_interval"), "10");
  EXPECT_EQ(setting(usual->get(), "tcp_user_timeout"), "60000");
  const auto other = connect(*parse_database(server->url() + "&keepalives_idle=7"));
  ASSERT_TRUE(other) << other.error().to_string();
  EXPECT_EQ(setting(other->get(), "keepalives_idle"), "7");
}

}  // namespace
}  // namespace vecmill::postgres
