#include "vecmill/policy/checker.h"

#include <cstdlib>
#include <string>

namespace vecmill::policy {

std::uint64_t first_seed() {
  const char* seed = std::getenv("VECMILL_TEST_SEED");
  return seed == nullptr ? kSeeds : kSeeds * std::stoull(seed);
}

}  // namespace vecmill::policy
