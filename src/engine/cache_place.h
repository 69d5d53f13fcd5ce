#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "vecmill/cache.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// How long vectors of local models are good.
inline constexpr std::chrono::seconds kLocalTtl = std::chrono::days(30);

/// VECMILL_HOME/cache, made with mode 0700 if it is not there.
Result<std::filesystem::path> make_cache_folder();

/// Where the options say that the file is.
Result<std::filesystem::path> cache_path(const CacheOptions& options);

/// The key that rows are sealed with; empty: none.
///   errors  kInvalidArgument: named twice; kAuth: not there, or no key
Result<std::string> cache_key(const CacheOptions& options);

/// The file, made if it is not there.
///   errors  as vecmill::cache_status
Result<std::unique_ptr<cache::SqliteLevel>> open_cache_file(const CacheOptions& options,
                                                            std::chrono::seconds ttl);

/// The file if it is there, else null; nothing in it is too old.
Result<std::unique_ptr<cache::SqliteLevel>> open_cache_if_there(const CacheOptions& options);

/// Whatever is wrong with what a file of the cache holds: to its user the file is unusable, kIo.
Error unusable_file(Error error);

cache::Time cache_now();

}  // namespace vecmill::engine
