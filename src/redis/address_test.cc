#include "vecmill/redis/address.h"

#include <gtest/gtest.h>

namespace vecmill::redis {
namespace {

TEST(AddressTest, EveryPartIsRead) {
  const Address address = parse_address("rediss://ann:p%40ss%3a@cache.example:7000/3").value();
  EXPECT_EQ(address.host, "cache.example");
  EXPECT_EQ(address.port, 7000);
  EXPECT_TRUE(address.tls);
  EXPECT_EQ(address.database, 3u);
  EXPECT_EQ(address.user, "ann");
  EXPECT_EQ(address.password.reveal(), "p@ss:");
  EXPECT_EQ(address.name(), "rediss://cache.example:7000");
}

TEST(AddressTest, WhatIsLeftOutHasItsUsualValue) {
  EXPECT_EQ(parse_address("redis://h")->name(), "redis://h:6379");
  EXPECT_EQ(parse_address("redis://:secret@h/")->name(), "redis://h:6379");
  EXPECT_EQ(parse_address("redis://ann@h")->user, "ann");
  EXPECT_EQ(parse_address("redis://[::1]:1/2")->name(), "redis://[::1]:1");
  EXPECT_EQ(parse_address("unix:///run/redis.sock")->socket, "/run/redis.sock");
}

TEST(AddressTest, WhatIsNoAddressIsRefusedAndNotRepeated) {
  for (const char* url :
       {"", "host:6379", "http://secret@h", "redis://", "redis:///1", "redis://secret@",
        "redis://h:0", "redis://h:65536", "redis://h:secret", "redis://h/secret", "redis://h/-1",
        "redis://a%2:secret@h", "redis://a:secret%00@h", "redis://[::1", "redis://[::1]secret",
        "redis://h secret", "redis://h/1\nsecret", "unix://secret", "redis://h:+1"}) {
    const auto address = parse_address(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_EQ(address.error().to_string().find("secret"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace vecmill::redis
