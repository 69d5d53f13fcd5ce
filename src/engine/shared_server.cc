#include "vecmill/engine/shared_server.h"

#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "vecmill/cache/key.h"
#include "vecmill/cache/secret.h"
#include "vecmill/engine/cache_place.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/remote/redis_state.h"

namespace vecmill::engine {
namespace {

/// Limits are asked about before every request: sooner alone than late.
constexpr std::chrono::milliseconds kLimitsWithin{250}, kVectorsWithin{1000};

struct Connection {
  std::shared_ptr<redis::Client> client;
  std::optional<redis::Server> server;  ///< none: away
  std::string warning;
};

std::string hex(std::span<const std::byte> bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[static_cast<unsigned>(byte) >> 4];
    text += kDigits[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

Result<Connection> connect(const SharedOptions& options, std::chrono::milliseconds within) {
  VECMILL_ASSIGN(redis::ClientOptions wanted, client_options(options));
  wanted.answer_within = within;
  Connection made{std::make_shared<redis::Client>(wanted), {}, {}};
  auto server = made.client->server();
  if (!server && server.error().kind != ErrorKind::kUnavailable) return server.error();
  if (!server) {
    made.warning = server.error().to_string() + "; going on without";
    return made;
  }
  if (server->is_replica) {
    return make_error(ErrorKind::kUnsupported, "is a replica, which takes no writes",
                      made.client->address().name(), "name the primary server");
  }
  made.server = *std::move(server);
  return made;
}

[[nodiscard]] bool drops_keys(const Connection& connection) {
  return connection.server && connection.server->eviction != "noeviction";
}

std::string dropping(const Connection& connection) {
  return "drops keys when it is full (maxmemory-policy " + connection.server->eviction + ")";
}

Status keeps_limits(const Connection& connection) {
  if (!drops_keys(connection)) return {};
  return make_error(ErrorKind::kInvalidArgument, dropping(connection) + ", and limits with them",
                    connection.client->address().name(),
                    "set it to noeviction, or share vectors only: --redis-cache-only");
}

}  // namespace

Result<redis::ClientOptions> client_options(const SharedOptions& options) {
  redis::ClientOptions wanted;
  VECMILL_ASSIGN(wanted.address, redis::parse_address(options.redis));
  wanted.ca_file = options.ca_file;
  if (options.password_env.empty()) return wanted;
  const char* password = std::getenv(options.password_env.c_str());
  if (password == nullptr) {
    return make_error(ErrorKind::kAuth, "the password of Redis is not in the environment",
                      options.password_env, "export " + options.password_env + "=...");
  }
  wanted.address.password = Secret(password);
  return wanted;
}

Result<std::shared_ptr<redis::Client>> shared_cache(const SharedOptions& options) {
  if (options.redis.empty()) return std::shared_ptr<redis::Client>();
  VECMILL_ASSIGN(const Connection connection, connect(options, kVectorsWithin));
  return connection.client;
}

Result<remote::ShareOf> shared_limits(const SharedOptions& options) {
  if (options.redis.empty() || options.cache_only) return remote::ShareOf();
  VECMILL_ASSIGN(const Connection connection, connect(options, kLimitsWithin));
  VECMILL_TRY(keeps_limits(connection));
  VECMILL_ASSIGN(const auto folder, make_cache_folder());
  auto secret = cache::tenant_secret(folder / "secret");
  if (!secret) return unusable_file(std::move(secret).error());
  // Who reads the server learns nothing of the key, not even whether it is one that he knows.
  const auto names = std::make_shared<cache::KeyMaker>(*secret, "vecmill-shared-limits");
  return remote::ShareOf([client = connection.client, names](
                             const Secret& identity, const remote::DispatcherOptions& wanted) {
    remote::RedisStateOptions state;
    state.name = hex((*names)(identity.reveal()).mac);
    std::random_device random;
    state.worker = std::to_string(random()) + "-" + std::to_string(random());
    state.limits = remote::Dispatcher::limits_of(wanted);
    state.breaker = wanted.breaker;
    return std::make_shared<remote::RedisState>(client, std::move(state));
  });
}

}  // namespace vecmill::engine

namespace vecmill {

Result<std::string> check_shared_state(const ModelOptions& options) {
  if (options.shared.redis.empty()) return std::string();
  VECMILL_ASSIGN(const engine::Connection connection,
                 engine::connect(options.shared, engine::kVectorsWithin));
  if (engine::is_remote(options) && !options.shared.cache_only) {
    VECMILL_TRY(engine::keeps_limits(connection));
  }
  if (!engine::drops_keys(connection)) return connection.warning;
  return connection.client->address().name() + ": " + engine::dropping(connection) +
         ": vectors will be made again";
}

}  // namespace vecmill
