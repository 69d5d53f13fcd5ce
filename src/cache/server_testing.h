#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "vecmill/cache/postgres_cache_schema.h"
#include "vecmill/cache/testing.h"
#include "vecmill/postgres/client.h"
#include "vecmill/postgres/testing.h"
#include "vecmill/redis/testing.h"

namespace vecmill::cache {

/// Quick to try again, patient with a machine that is busy.
inline std::shared_ptr<postgres::Client> postgres_client(const postgres::TestServer& server) {
  constexpr std::chrono::milliseconds kLong{5000}, kShort{1};
  return std::make_shared<postgres::Client>(
      postgres::ClientOptions{.url = *postgres::parse_database(server.url()),
                              .objects = &cache_objects(),
                              .connect_within = kLong,
                              .answer_within = kLong,
                              .pause_first = kShort,
                              .pause_most = kShort});
}

/// Servers that all tests have in common; each is started by the first that needs it.
class TestServers : public TestFolder {
 protected:
  static void need_redis() {
    if (!redis_) redis_ = std::make_unique<redis::TestServer>();
  }
  static void need_postgres() {
    if (!postgres_) postgres_ = postgres::TestServer::begin();
    if (!postgres_) GTEST_SKIP() << "Debian's postgresql-15 is not installed";
  }

  static inline std::unique_ptr<redis::TestServer> redis_;
  static inline std::unique_ptr<postgres::TestServer> postgres_;
};

}  // namespace vecmill::cache
