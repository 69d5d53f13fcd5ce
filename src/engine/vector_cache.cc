#include "vecmill/engine/vector_cache.h"

#include <filesystem>
#include <utility>

#include "vecmill/cache/memory_level.h"
#include "vecmill/cache/secret.h"
#include "vecmill/engine/cache_place.h"
#include "vecmill/engine/spending.h"
#include "vecmill/provider/cached_provider.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::seconds;

constexpr seconds kRemoteTtl = days(7);
constexpr std::uint64_t kCleanRows = 512;
constexpr std::chrono::milliseconds kCleanTime{100};

}  // namespace

bool wants_cache(CacheMode mode, bool remote) {
  return mode == CacheMode::kOn || (mode == CacheMode::kAuto && remote);
}

Result<std::unique_ptr<VectorCache>> VectorCache::open(
    const CacheOptions& options, bool remote, const std::string& tenant,
    const std::shared_ptr<SharedServer>& shared) {
  std::unique_ptr<VectorCache> opened(new VectorCache);
  VECMILL_ASSIGN(const fs::path folder, make_cache_folder());
  auto secret = cache::tenant_secret(folder / "secret");
  if (!secret) return unusable_file(std::move(secret).error());
  opened->secret_ = secret_of_tenant(*secret, tenant);
  const seconds ttl = options.ttl.value_or(remote ? kRemoteTtl : kLocalTtl);
  VECMILL_ASSIGN(auto file, open_cache_file(options, ttl));
  opened->file_ = file.get();
  std::vector<std::unique_ptr<cache::Level>> levels;
  if (options.memory_bytes > 0) {
    auto memory = cache::make_memory_level({options.memory_bytes, ttl});
    if (!memory) {
      memory.error().where = "cache.memory_size";
      return std::move(memory).error();
    }
    levels.push_back(*std::move(memory));
  }
  opened->file_at_ = levels.size();
  levels.push_back(std::move(file));
  std::shared_ptr<cache::Leases> leases;
  if (shared) {
    if (remote) leases = std::make_shared<cache::Leases>(shared->leases());
    cache::ServerLevelOptions wanted;
    wanted.ttl = ttl;
    VECMILL_ASSIGN(wanted.encryption_key, cache_key(options));
    VECMILL_ASSIGN(auto level, shared->level(wanted));
    levels.push_back(std::move(level));
  }
  opened->cache_ =
      std::make_shared<cache::Cache>(std::move(levels), cache::Store::kF32, std::move(leases));
  VECMILL_ASSIGN(const fs::path path, cache_path(options));
  opened->path_ = path.string();
  return opened;
}

std::unique_ptr<Provider> VectorCache::in_front_of(std::unique_ptr<Provider> provider) const {
  return provider::make_cached_provider(std::move(provider), {cache_, secret_, cache_now});
}

void VectorCache::tell(CacheReport& report) const {
  const cache::Cache::Stats stats = cache_->stats();
  report.used = true;
  report.failures = stats.failures;
  if (stats.failure) report.failure = stats.failure->to_string();
  if (stats.levels[file_at_].set_aside > 0) report.set_aside = path_ + ".corrupt";
}

void VectorCache::clean() {
  const auto end = std::chrono::steady_clock::now() + kCleanTime;
  for (bool more = true; more && std::chrono::steady_clock::now() < end;) {
    const auto step = file_->clean(kCleanRows, cache_now());
    more = step && step->more;
  }
}

}  // namespace vecmill::engine
