#include "vecmill/policy/checker.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace vecmill::policy {

std::uint64_t first_seed() {
  const char* seed = std::getenv("VECMILL_TEST_SEED");
  return seed == nullptr ? kSeeds : kSeeds * std::stoull(seed);
}

void check_seeds(const std::function<void(std::uint64_t seed)>& check) {
  const std::uint64_t first = first_seed();
  for (std::uint64_t i = 0; i < kSeeds && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(first + i);
    check(first + i);
  }
}

}  // namespace vecmill::policy
