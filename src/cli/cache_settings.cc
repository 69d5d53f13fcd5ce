#include "vecmill/cli/cache_settings.h"

namespace vecmill::cli {

CacheOptions cache_options(const Settings& settings) {
  CacheOptions options;
  options.path = settings.text("cache-path");
  options.max_bytes = settings.bytes("cache-max-size");
  options.memory_bytes = settings.bytes("cache-memory");
  if (!settings.text("cache-ttl").empty()) {
    options.ttl = std::chrono::seconds(settings.seconds("cache-ttl"));
  }
  options.key_file = settings.text("cache-key-file");
  options.key_env = settings.text("cache-key-env");
  return options;
}

Status add_cache(const Settings& settings, ModelOptions& options) {
  const bool off = settings.on("no-cache");
  if (off && settings.origin("cache") == "--cache") {
    return make_error(ErrorKind::kInvalidArgument, "both --cache and --no-cache are given", {},
                      "give one of them");
  }
  options.cache = cache_options(settings);
  options.use_cache = CacheMode::kAuto;
  if (!settings.is_default("cache")) {
    options.use_cache = settings.on("cache") ? CacheMode::kOn : CacheMode::kOff;
  }
  if (off) options.use_cache = CacheMode::kOff;
  return {};
}

}  // namespace vecmill::cli
