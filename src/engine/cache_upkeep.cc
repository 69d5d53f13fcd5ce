#include <filesystem>
#include <limits>
#include <memory>
#include <system_error>

#include "vecmill/cache.h"
#include "vecmill/cache/archive.h"
#include "vecmill/engine/cache_place.h"

namespace vecmill {

using engine::open_cache_if_there;

namespace {

constexpr std::uint64_t kStep = 4096;  ///< rows in one transaction

/// Where a damaged file went, or nothing.
Result<std::string> set_aside(const CacheOptions& options, cache::SqliteLevel& file) {
  if (file.stats().set_aside == 0) return std::string();
  VECMILL_ASSIGN(const auto path, engine::cache_path(options));
  return path.string() + ".corrupt";
}

}  // namespace

Result<CacheStatus> cache_status(const CacheOptions& options) {
  CacheStatus status;
  VECMILL_ASSIGN(const auto path, engine::cache_path(options));
  status.path = path.string();
  status.max_bytes = options.max_bytes;
  VECMILL_ASSIGN(const auto file, open_cache_if_there(options));
  if (!file) return status;
  const cache::LevelStats stats = file->stats();
  status.exists = true;
  status.rows = stats.rows;
  status.bytes = stats.bytes;
  constexpr std::chrono::days kRecently{30};
  const auto since = std::chrono::floor<std::chrono::days>(engine::cache_now() - kRecently);
  VECMILL_ASSIGN(const cache::Lookups recent, file->lookups(since.time_since_epoch().count()));
  status.found = recent.found;
  status.missed = recent.missed;
  VECMILL_ASSIGN(status.set_aside, set_aside(options, *file));
  return status;
}

Result<std::uint64_t> prune_cache(const CacheOptions& options, std::chrono::seconds older_than,
                                  std::optional<std::uint64_t> max_bytes) {
  VECMILL_ASSIGN(const auto file, open_cache_if_there(options));
  if (!file) return 0;
  const cache::Excess excess{
      .made_until = engine::cache_now() - older_than,
      .live_bytes = max_bytes.value_or(std::numeric_limits<std::uint64_t>::max())};
  std::uint64_t removed = 0;
  for (bool more = true; more;) {
    VECMILL_ASSIGN(const auto step, file->prune(kStep, excess));
    removed += step.removed;
    more = step.more;
  }
  return removed;
}

Result<std::uint64_t> compact_cache(const CacheOptions& options) {
  VECMILL_ASSIGN(const auto file, open_cache_if_there(options));
  if (!file) return 0;
  const std::uint64_t before = file->stats().bytes;
  VECMILL_TRY(file->compact());
  const std::uint64_t after = file->stats().bytes;
  return before > after ? before - after : 0;
}

Result<CacheCheck> verify_cache(const CacheOptions& options) {
  VECMILL_ASSIGN(const auto file, open_cache_if_there(options));
  CacheCheck check;
  if (!file) return check;
  VECMILL_ASSIGN(const auto report, file->verify());
  check.rows = report.rows;
  check.dropped = report.dropped;
  VECMILL_ASSIGN(check.set_aside, set_aside(options, *file));
  return check;
}

Result<std::uint64_t> export_cache(const CacheOptions& options, const std::string& archive) {
  std::error_code error;
  if (std::filesystem::exists(archive, error)) {
    return make_error(ErrorKind::kInvalidArgument, "is there already", archive,
                      "choose another name, or remove it");
  }
  VECMILL_ASSIGN(const auto file, open_cache_if_there(options));
  if (!file) {
    VECMILL_ASSIGN(const auto path, engine::cache_path(options));
    return make_error(ErrorKind::kNotFound, "there is no cache", path.string(),
                      "'vecmill cache warm' fills one");
  }
  return cache::export_archive(*file, archive);
}

Result<std::uint64_t> import_cache(const CacheOptions& options, const std::string& archive) {
  std::error_code error;
  if (!std::filesystem::exists(archive, error)) {
    return make_error(ErrorKind::kNotFound, "is not there", archive,
                      "name what 'vecmill cache export' wrote");
  }
  // Nobody knows whose they were: they stay as long as anybody's.
  const auto ttl = options.ttl.value_or(engine::kLocalTtl);
  VECMILL_ASSIGN(const auto file, engine::open_cache_file(options, ttl));
  return cache::import_archive(*file, archive, engine::cache_now());
}

Result<std::uint64_t> clear_cache(const CacheOptions& options) {
  VECMILL_ASSIGN(const auto file, open_cache_if_there(options));
  if (!file) return 0;
  const std::uint64_t rows = file->stats().rows;
  VECMILL_TRY(file->clear());
  return rows;
}

}  // namespace vecmill
