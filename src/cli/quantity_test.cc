#include "vecmill/cli/quantity.h"

#include <gtest/gtest.h>

namespace vecmill::cli {
namespace {

constexpr std::uint64_t kNone = ~std::uint64_t{0};

TEST(QuantityTest, Bytes) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"0", 0},
      {"1000", 1000},
      {"16MiB", 16 << 20},
      {"10GB", 10'000'000'000},
      {"2 kB", 2000},
      {"3TiB", 3ULL << 40},
      {"", kNone},
      {"GB", kNone},
      {"-1GB", kNone},
      {"1.5GB", kNone},
      {"1gb", kNone},
      {"1 GB ", kNone},
      {" 1GB", kNone},
      {"99999999TB", kNone},
      {"1GBB", kNone},
      {"18446744073709551616", kNone},
      {"9223372036854775807", 9223372036854775807ULL}};
  for (const auto& [text, bytes] : cases)
    EXPECT_EQ(parse_bytes(text).value_or(kNone), bytes) << text;
}

TEST(QuantityTest, Ages) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"0", 0},      {"0d", 0},        {"7d", 604'800}, {"12h", 43'200},   {"30m", 1800},
      {"90s", 90},   {"7", kNone},     {"d", kNone},    {"", kNone},       {"-7d", kNone},
      {"7w", kNone}, {"7 d", 604'800}, {"7dd", kNone},  {"100001d", kNone}};
  for (const auto& [text, age] : cases) EXPECT_EQ(parse_age(text).value_or(kNone), age) << text;
}

}  // namespace
}  // namespace vecmill::cli
