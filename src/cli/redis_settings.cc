#include "vecmill/cli/redis_settings.h"

#include "vecmill/cli/output.h"

namespace vecmill::cli {

Status add_redis(const Settings& settings, ModelOptions& options) {
  options.shared.redis = settings.text("redis");
  options.shared.password_env = settings.text("redis-password-env");
  options.shared.ca_file = settings.text("redis-ca-file");
  options.shared.cache_only = settings.on("redis-cache-only");
  VECMILL_ASSIGN(const std::string warning, check_shared_state(options));
  if (!warning.empty()) say(warning);
  return {};
}

}  // namespace vecmill::cli
