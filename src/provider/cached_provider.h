#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vecmill/cache/cache.h"
#include "vecmill/provider.h"

namespace vecmill::provider {

struct CacheUse {
  std::shared_ptr<cache::Cache> cache;  ///< may serve any number of providers at once
  std::string secret;                   ///< of the tenant; see KeyMaker
  std::function<cache::Time()> now;
};

/// `inner`, asked only for what the cache lacks. Space and arithmetic are part of the key, so
/// another model, role or truncation never finds these vectors. Only dense vectors are cached:
/// where others are asked for, too, all goes to `inner`.
std::unique_ptr<Provider> make_cached_provider(std::unique_ptr<Provider> inner, CacheUse use);

}  // namespace vecmill::provider
