#include "vecmill/postgres/url.h"

#include <gtest/gtest.h>

namespace vecmill::postgres {
namespace {

std::string error_of(const std::string& text) {
  const auto url = parse_url(text);
  return url ? "" : url.error().to_string();
}

TEST(PostgresUrlTest, OurParametersAreTakenOutOfTheUri) {
  const auto url = parse_url(
      "postgresql://ann:s%40p@db:5433/docs?sslmode=require&schema=kb&table=my%20notes&key=a,b%2Cc"
      "&text=body&vector=v&where=lang%3D'de'&metadata=url,title&adopt=yes&connect_timeout=3");
  ASSERT_TRUE(url) << url.error().to_string();
  EXPECT_EQ(url->connection.reveal(),
            "postgresql://ann:s%40p@db:5433/docs?sslmode=require&connect_timeout=3");
  EXPECT_EQ(url->table, "my notes");
  EXPECT_EQ(url->schema, "kb");
  EXPECT_EQ(url->keys, (std::vector<std::string>{"a", "b,c"}));
  EXPECT_EQ(url->text, "body");
  EXPECT_EQ(url->vector, "v");
  EXPECT_EQ(url->where, "lang='de'");
  EXPECT_EQ(url->metadata, (std::vector<std::string>{"url", "title"}));
  EXPECT_TRUE(url->adopt);
}

TEST(PostgresUrlTest, TheShortestOne) {
  const auto url = parse_url("postgres:///docs?table=t");
  ASSERT_TRUE(url) << url.error().to_string();
  EXPECT_EQ(url->connection.reveal(), "postgres:///docs");
  EXPECT_TRUE(url->keys.empty() && url->text.empty() && url->vector.empty() && !url->adopt);
}

TEST(PostgresUrlTest, WhatIsWrongIsNamedWithTheWayOut) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"postgres:///d", "names no table; add ?table=NAME"},
      {"postgres:///d?tabel=t", "has no parameter tabel; did you mean table?"},
      {"postgres:///d?table=t&sslmod=x", "has no parameter sslmod; did you mean sslmode?"},
      {"postgres:///d?table=t&table=u", "table is given twice"},
      {"postgres:///d?table", "table has no value"},
      {"postgres:///d?table=", "table is empty"},
      {"postgres:///d?table=a%2", "% without two hexadecimal digits in table"},
      {"postgres:///d?table=a%00", "% without two hexadecimal digits in table"},
      {"postgres:///d?table=t&key=a,,b", "key is no list of columns"},
      {"postgres:///d?table=t&adopt=maybe", "adopt is neither yes nor no"},
      {"postgres://[::1/d?table=t", "is not a URL that libpq can read"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(error_of(text).find(expected), std::string::npos) << text << ": " << error_of(text);
  }
}

TEST(PostgresUrlTest, ADatabaseIsNamedWithoutATable) {
  const auto url = parse_database("postgres://ann@h:5433/d?schema=s&sslmode=disable");
  ASSERT_TRUE(url) << url.error().to_string();
  EXPECT_EQ(url->schema, "s");
  EXPECT_EQ(url->connection.reveal(), "postgres://ann@h:5433/d?sslmode=disable");
  for (const char* more :
       {"table=t", "key=k", "text=x", "vector=v", "sparse=w", "where=true", "adopt=yes"}) {
    EXPECT_FALSE(parse_database("postgres://h/d?" + std::string(more))) << more;
  }
}

TEST(PostgresUrlTest, APasswordIsNeverShown) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"postgres://ann:canary@h/d?table=t", "postgres://ann:***@h/d?table=t"},
      {"postgres://ann:canary/x@y@h/d?tabl=t", "postgres://ann:***@h/d?tabl=t"},
      {"postgres://ann:canary?x@h/d", "postgres://ann:***@h/d"},
      {"postgres:///d?password=canary&table=t", "postgres:///d?password=***&table=t"},
      {"postgres:///d?table=t&sslpassword=canary", "postgres:///d?table=t&sslpassword=***"},
      {"postgres://h:5432/d?table=t", "postgres://h:5432/d?table=t"},
      {"notes:canary@x.jsonl", "notes:canary@x.jsonl"},
  };
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(shown_place(text), shown);
    if (!is_postgres_url(text)) continue;
    EXPECT_EQ(error_of(text).find("canary"), std::string::npos) << error_of(text);
  }
}

}  // namespace
}  // namespace vecmill::postgres
