#include "vecmill/http/address.h"

#include <gtest/gtest.h>

namespace vecmill::http {
namespace {

TEST(AddressTest, AnAddressThatIsFit) {
  for (const char* url : {"https://api.example.com/v1", "http://127.0.0.1:8080", "HTTP://x"}) {
    EXPECT_EQ(check_base_url(url, false).has_value(), url[0] == 'h') << url;
  }
  for (const char* url : {"http://localhost:1/v1", "http://[::1]:80", "https://h"}) {
    EXPECT_TRUE(check_base_url(url, false)) << url;
  }
  EXPECT_FALSE(check_base_url("http://10.0.0.7:8000/v1", false));
  EXPECT_TRUE(check_base_url("http://10.0.0.7:8000/v1", true));
  EXPECT_FALSE(check_base_url("http://127.0.0.1.example.com/v1", false));
}

TEST(AddressTest, WhatIsWrongIsSaidAndNoSecretIsRepeated) {
  struct Case {
    const char *url, *message;
  };
  for (const auto& [url, message] : {
           Case{"/etc/secret", "is a path"},
           {"./secret", "is a path"},
           {"~/secret", "is a path"},
           {"file:///etc/secret", "is a path"},
           {"secret", "is not an https:// address"},
           {"", "is not an https:// address"},
           {"ftp://secret", "is not an https:// address"},
           {"https://", "is not an address"},
           {"https://a b/secret", "is not an address"},
           {"https://me:secret@host/v1", "a password"},
           {"https://secret@host/v1", "a user"},
           {"https://:secret@host/v1", "a password"},
           {"https://host/v1?key=secret", "a query"},
           {"https://host/v1?", "a query"},
           {"https://host/v1#secret", "a query"},
           {"http://secret.example.com/v1", "http://"},
       }) {
    const Status status = check_base_url(url, false);
    ASSERT_FALSE(status) << url;
    EXPECT_EQ(status.error().kind, ErrorKind::kInvalidArgument) << url;
    EXPECT_NE(status.error().message.find(message), std::string::npos) << url;
    EXPECT_EQ(status.error().to_string().find("secret"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace vecmill::http
