#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "vecmill/base/instrumented.h"

namespace vecmill::policy {

inline constexpr bool kSlowBuild = VECMILL_INSTRUMENTED;

/// How many random events a checker sends through its state machine, over all its seeds.
inline constexpr std::size_t kCheckedEvents = kSlowBuild ? 100'000 : 1'000'000;
inline constexpr std::size_t kSeeds = 20;

/// The first of them; others with each VECMILL_TEST_SEED.
[[nodiscard]] std::uint64_t first_seed();

/// Calls `check` with one seed after the other until one fails.
void check_seeds(const std::function<void(std::uint64_t seed)>& check);

}  // namespace vecmill::policy
