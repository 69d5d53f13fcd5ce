#pragma once

#include <cstdint>
#include <memory>

#include "vecmill/provider.h"

namespace vecmill::provider {

struct HashOptions {
  std::uint32_t dims = 0;        ///< 0: 256
  std::uint32_t max_tokens = 0;  ///< words; 0: no limit
};

/// builtin:hash: words and their letter triples, each added with a sign at a place that its hash
/// picks, made length 1. Needs no model; for tests, demos and explicit degraded mode.
std::unique_ptr<Provider> make_hash_provider(const HashOptions& options);

}  // namespace vecmill::provider
