#include "vecmill/engine/cache_place.h"

#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "vecmill/base/private_file.h"
#include "vecmill/cache/secret.h"
#include "vecmill/hub/store.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

Result<fs::path> cache_folder() {
  VECMILL_ASSIGN(const auto paths, hub::StorePaths::from_environment());
  return paths.home / "cache";
}

}  // namespace

Result<std::string> cache_key(const CacheOptions& options) {
  if (!options.key_file.empty() && !options.key_env.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "the key of the cache is named twice",
                      "cache.key_file, cache.key_env", "give one of them");
  }
  if (!options.key_env.empty()) {
    const char* text = std::getenv(options.key_env.c_str());
    if (text == nullptr) {
      return make_error(ErrorKind::kAuth, "the key of the cache is not in the environment",
                        options.key_env, "set it to 64 hexadecimal digits");
    }
    return cache::encryption_key(text, options.key_env);
  }
  if (options.key_file.empty()) return std::string();
  auto text = read_private_file(options.key_file, "who has the key can read the vectors");
  if (!text && text.error().kind == ErrorKind::kNotFound) text.error().kind = ErrorKind::kAuth;
  VECMILL_TRY(text);
  return cache::encryption_key(*text, options.key_file);
}

Result<fs::path> make_cache_folder() {
  VECMILL_ASSIGN(const fs::path folder, cache_folder());
  std::error_code error;
  const bool new_home = !fs::exists(folder.parent_path(), error);
  fs::create_directories(folder, error);
  if (error) {
    return make_error(ErrorKind::kIo, "cannot create: " + error.message(), folder.string());
  }
  if (new_home) fs::permissions(folder.parent_path(), fs::perms::owner_all, error);
  fs::permissions(folder, fs::perms::owner_all, error);
  return folder;
}

Result<fs::path> cache_path(const CacheOptions& options) {
  if (!options.path.empty()) return fs::path(options.path);
  VECMILL_ASSIGN(const fs::path folder, cache_folder());
  return folder / "vectors.db";
}

Error unusable_file(Error error) {
  if (error.kind == ErrorKind::kUnsupported || error.kind == ErrorKind::kInvalidData ||
      error.kind == ErrorKind::kMismatch) {
    error.kind = ErrorKind::kIo;
  }
  return error;
}

Result<std::unique_ptr<cache::SqliteLevel>> open_cache_file(const CacheOptions& options,
                                                            seconds ttl) {
  cache::SqliteOptions file;
  VECMILL_ASSIGN(file.path, cache_path(options));
  VECMILL_ASSIGN(file.encryption_key, cache_key(options));
  if (options.path.empty()) VECMILL_TRY(make_cache_folder());
  file.max_bytes = options.max_bytes;
  file.ttl = ttl;
  auto opened = cache::SqliteLevel::open(file);
  if (!opened) return unusable_file(std::move(opened).error());
  return opened;
}

/// The file if it is there; null if not.
Result<std::unique_ptr<cache::SqliteLevel>> open_cache_if_there(const CacheOptions& options) {
  VECMILL_ASSIGN(const fs::path path, cache_path(options));
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return std::unique_ptr<cache::SqliteLevel>();
  return open_cache_file(options, seconds(0));
}

cache::Time cache_now() { return std::chrono::floor<seconds>(std::chrono::system_clock::now()); }

}  // namespace vecmill::engine
