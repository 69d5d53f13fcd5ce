#include "vecmill/policy/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Date kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 12h;

struct Case {
  std::string value;
  std::optional<Duration> wait;
};

TEST(RetryAfterTest, SecondsAndDates) {
  for (const Case& c : {
           Case{"0", 0s},
           Case{"2", 2s},
           Case{"0.5", 500ms},
           Case{"86401", 24h},
           Case{std::string(400, '9'), std::nullopt},
           Case{std::string(300, '9'), 24h},
           Case{"inf", 24h},
           Case{"nan", std::nullopt},
           Case{"-1", std::nullopt},
           Case{"", std::nullopt},
           Case{"2 s", std::nullopt},
           Case{"1e3", std::nullopt},
           Case{"soon", std::nullopt},
           Case{"Sat, 21 Nov 2026 12:00:07 GMT", 7s},
           Case{"Sat, 21 Nov 2026 11:59:59 GMT", 0s},
           Case{"Sun, 06 Nov 1994 08:49:37 GMT", 0s},
           Case{"Fri, 31 Dec 9999 23:59:59 GMT", 24h},
           Case{"Sat, 21 Nov 2026 12:00:07 UTC", std::nullopt},
       }) {
    EXPECT_EQ(parse_retry_after(c.value, kNow), c.wait) << c.value;
  }
}

TEST(RetryAfterTest, Milliseconds) {
  for (const Case& c : {Case{"1500", 1500ms}, Case{"0.5", 500us}, Case{"x", std::nullopt},
                        Case{"5ms", std::nullopt}}) {
    EXPECT_EQ(parse_milliseconds(c.value), c.wait) << c.value;
  }
}

TEST(RetryAfterTest, ResetsOfRateLimits) {
  for (const Case& c : {
           Case{"20ms", 20ms},
           Case{"6m0s", 6min},
           Case{"1h2m3.5s", 1h + 2min + 3500ms},
           Case{"7us", 7us},
           Case{"8ns", 8ns},
           Case{"12", 12s},
           Case{"999h", 24h},
           Case{"", std::nullopt},
           Case{"m", std::nullopt},
           Case{"5x", std::nullopt},
           Case{"5s6", std::nullopt},
           Case{"1s-1s", std::nullopt},
       }) {
    EXPECT_EQ(parse_reset(c.value), c.wait) << c.value;
  }
}

TEST(RetryAfterTest, HttpDates) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Date(784111777s));
  EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT"), Date(1709164800s));
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT"), Date(1483228800s));
  for (const char* bad : {
           "Sun, 06 Nov 1994 08:49:37 GM",
           "Sun, 06 Nov 1994 08:49:37 GMT ",
           "S1n, 06 Nov 1994 08:49:37 GMT",
           "S[n, 06 Nov 1994 08:49:37 GMT",
           "S{n, 06 Nov 1994 08:49:37 GMT",
           "Sun, 06 Xyz 1994 08:49:37 GMT",
           "Sun, 06 anF 1994 08:49:37 GMT",
           "Sun, 31 Nov 1994 08:49:37 GMT",
           "Wed, 29 Feb 2023 00:00:00 GMT",
           "Sun, 06 Nov 1994 24:49:37 GMT",
           "Sun, 06 Nov 1994 08:60:37 GMT",
           "Sun, 06 Nov 1994 08:49:61 GMT",
           "Sun, 06 Nov 1994 08:4/:37 GMT",
           "Sun, 06 Nov 1994 08:4::37 GMT",
           "Sunday, 06-Nov-94 08:49:37 GMT",
       }) {
    EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace vecmill::policy
