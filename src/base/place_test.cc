#include "vecmill/place.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace vecmill {
namespace {

TEST(PlaceTest, ServersAreKnownByTheirSchemes) {
  EXPECT_TRUE(is_postgres_url("postgresql:///d") && !is_qdrant_url("postgresql:///d"));
  EXPECT_TRUE(is_qdrant_url("qdrant://h/c") && is_qdrant_url("qdrants://h/c"));
  EXPECT_TRUE(is_on_server("postgres:///d") && is_on_server("qdrant://h/c"));
  for (const char* file : {"qdrant.jsonl", "-", "", "qdrant:/h", "http://h/c"}) {
    EXPECT_FALSE(is_on_server(file)) << file;
  }
}

TEST(PlaceTest, AKeyIsNeverShown) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"qdrant://canary@h:6333/c", "qdrant://***@h:6333/c"},
      {"qdrants://ann:canary@h/c?bulk=yes", "qdrants://***@h/c?bulk=yes"},
      {"qdrants://ann:can/ary?x@h/c", "qdrants://***@h/c"},
      {"qdrant://h/c?api_key=canary&bulk=yes", "qdrant://h/c?api_key=***&bulk=yes"},
      {"qdrant://h/c?api-key=canary", "qdrant://h/c?api-key=***"},
      {"qdrant://h/c?text=t&token=canary", "qdrant://h/c?text=t&token=***"},
      {"qdrant://h/c?api_key=can@ary", "qdrant://h/c?api_key=***"},
      {"postgres://h:5432/d?password=can@ary&table=t", "postgres://h:5432/d?password=***&table=t"},
      {"qdrant://h/c?key_file=/k", "qdrant://h/c?key_file=/k"},
      {"qdrant:canary@x.jsonl", "qdrant:canary@x.jsonl"},
  };
  for (const auto& [place, shown] : cases) EXPECT_EQ(shown_place(place), shown);
}

}  // namespace
}  // namespace vecmill
