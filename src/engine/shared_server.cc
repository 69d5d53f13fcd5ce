#include "vecmill/engine/shared_server.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "vecmill/base/hex.h"
#include "vecmill/cache/key.h"
#include "vecmill/cache/secret.h"
#include "vecmill/doctor.h"
#include "vecmill/engine/cache_place.h"
#include "vecmill/engine/finding_teller.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/remote/redis_state.h"

namespace vecmill::engine {
namespace {

/// Limits are asked about before every request: sooner alone than late.
constexpr std::chrono::milliseconds kLimitsWithin{250}, kVectorsWithin{1000};

struct Connection {
  std::shared_ptr<redis::Client> client;
  std::optional<redis::Server> server;
  std::optional<Error> away;  ///< why there is none
};

Result<Connection> connect(const SharedOptions& options, std::chrono::milliseconds within) {
  redis::ClientOptions wanted;
  VECMILL_ASSIGN(wanted.address, redis::parse_address(options.redis));
  wanted.ca_file = options.ca_file;
  wanted.answer_within = within;
  if (!options.password_env.empty()) {
    const char* password = std::getenv(options.password_env.c_str());
    if (password == nullptr) {
      return make_error(ErrorKind::kAuth, "the password of Redis is not in the environment",
                        options.password_env, "export " + options.password_env + "=...");
    }
    wanted.address.password = Secret(password);
  }
  Connection made{std::make_shared<redis::Client>(wanted), {}, {}};
  auto server = made.client->server();
  if (!server && server.error().kind != ErrorKind::kUnavailable) return server.error();
  if (!server) {
    made.away = std::move(server).error();
    return made;
  }
  if (server->is_replica) {
    return make_error(ErrorKind::kInvalidArgument, "is a replica, which takes no writes",
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

/// Under which name a trouble with finding the server is told.
const char* name_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalidArgument: return "settings";
    case ErrorKind::kAuth: return error.message.find("TLS") != std::string::npos ? "tls" : "key";
    case ErrorKind::kUnsupported: return "version";
    default: return "address";
  }
}

/// As the doctor's exit codes sort it: another server is to be named, or it is not one.
Error sorted(Error error) {
  if (error.kind == ErrorKind::kUnsupported) error.kind = ErrorKind::kInvalidArgument;
  if (error.kind == ErrorKind::kInvalidData) error.kind = ErrorKind::kUnavailable;
  return error;
}

/// Whether it makes snapshots; none: this user may not ask.
std::optional<bool> makes_snapshots(redis::Client& client) {
  const auto reply = client.call({"CONFIG", "GET", "save"});
  if (!reply || reply->items.size() != 2) return std::nullopt;
  return !reply->items[1].text.empty();
}

void tell_persistence(const FindingTeller& teller, const Connection& connection) {
  const redis::Server& server = *connection.server;
  if (server.save_failed) {
    return teller.wrong("persistence",
                        make_error(ErrorKind::kUnavailable, "it cannot write to its disk", {},
                                   "look at its log: it may take no writes until it can"));
  }
  if (server.append_only) return teller.good("persistence", "append-only file");
  const auto snapshots = makes_snapshots(*connection.client);
  if (!snapshots) return teller.good("persistence", "no append-only file");
  teller.good("persistence", *snapshots
                                 ? "snapshots"
                                 : "none: after its restart vectors are made again, and limits "
                                   "begin with nothing to give away");
}

void tell_eviction(const FindingTeller& teller, const Connection& connection, bool shares_limits) {
  const Status kept = keeps_limits(connection);
  if (!kept && shares_limits) return teller.wrong("eviction", kept.error());
  teller.good("eviction",
              connection.server->eviction + (kept ? "" : ": vectors that it drops are made again"));
}

}  // namespace

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

SharedReport report_of(const std::vector<std::shared_ptr<remote::SharedState>>& states) {
  SharedReport report;
  for (const auto& state : states) {
    const remote::SharedState::Stats stats = state->stats();
    report.used = true;
    report.admitted += stats.admitted;
    report.alone += stats.alone;
    report.processes = std::max(report.processes, stats.workers);
    if (stats.failure) report.failure = stats.failure->to_string();
  }
  return report;
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
  if (connection.away) return connection.away->to_string() + "; going on without";
  if (!engine::drops_keys(connection)) return std::string();
  return connection.client->address().name() + ": " + engine::dropping(connection) +
         ": vectors will be made again";
}

void examine_shared_state(const ModelOptions& options,
                          const std::function<void(const RemoteFinding&)>& tell) {
  if (options.shared.redis.empty()) return;
  const engine::FindingTeller teller("redis", tell);
  const auto start = std::chrono::steady_clock::now();
  const auto connection = engine::connect(options.shared, engine::kVectorsWithin);
  if (!connection) {
    return teller.wrong(engine::name_of(connection.error()), engine::sorted(connection.error()));
  }
  if (connection->away) {
    Error error = *connection->away;
    if (error.hint.empty()) error.hint = "start it; until then each process goes on alone";
    return teller.wrong("address", error);
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  const redis::Address& address = connection->client->address();
  teller.good("address", address.name() + " answers in " + std::to_string(took.count()) + " ms");
  const bool open = !address.tls && address.socket.empty();
  teller.good("tls", address.tls ? "the certificate is good" : "none",
              open ? "where others share the network, name it rediss://" : "");
  teller.good("version", connection->server->version);
  engine::tell_persistence(teller, *connection);
  engine::tell_eviction(teller, *connection,
                        engine::is_remote(options) && !options.shared.cache_only);
}

}  // namespace vecmill
