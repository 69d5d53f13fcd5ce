#include "vecmill/policy/ramp.h"

#include <gtest/gtest.h>

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};

TEST(RampTest, GrowsByHalfOfWhatWasUsedAQuarterOfAnHour) {
  struct Case {
    const char* what;
    std::uint64_t used_per_minute;
    Duration later;
    std::uint64_t allowed;
  };
  const Case cases[] = {
      {"not yet", 1'000'000, 14min, 1'000'000},      {"half more", 1'000'000, 15min, 1'500'000},
      {"little used", 800'000, 16min, 1'200'000},    {"less used", 100'000, 15min, 1'000'000},
      {"a burst more", 1'066'666, 29min, 1'500'000}, {"idle", 1'000'000, 30min, 1'000'000},
  };
  for (const Case& c : cases) {
    Ramp ramp;
    EXPECT_EQ(ramp.allowed(kStart), Ramp::kStart);
    ramp.use(15 * c.used_per_minute);
    EXPECT_EQ(ramp.allowed(kStart + c.later), c.allowed) << c.what;
  }
}

TEST(RampTest, GoesOnGrowing) {
  Ramp ramp;
  std::uint64_t last = ramp.allowed(kStart);
  for (int step = 1; step <= 10; ++step) {
    ramp.use(15 * last);
    const std::uint64_t allowed = ramp.allowed(kStart + step * 15min);
    EXPECT_EQ(allowed, last + last / 2);
    last = allowed;
  }
}

}  // namespace
}  // namespace vecmill::policy
