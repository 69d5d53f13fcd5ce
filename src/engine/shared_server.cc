#include "vecmill/engine/shared_server.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "vecmill/base/hex.h"
#include "vecmill/cache/key.h"
#include "vecmill/cache/secret.h"
#include "vecmill/doctor.h"
#include "vecmill/engine/cache_place.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/engine/shared_postgres.h"
#include "vecmill/engine/shared_redis.h"
#include "vecmill/place.h"
#include "vecmill/remote/common_state.h"

namespace vecmill::engine {
namespace {

Result<std::shared_ptr<SharedServer>> open_shared(const SharedOptions& options, SharedUse use) {
  if (is_postgres_url(options.server)) return open_shared_postgres(options, use);
  if (redis::is_redis_url(options.server)) return open_shared_redis(options, use);
  // What was given is not repeated: it may hold a password.
  return make_error(ErrorKind::kInvalidArgument, "is no server to share", "--shared",
                    "name one: redis://host:6379/0, rediss:// for TLS, unix:///path, or "
                    "postgres://host/database");
}

/// Under which name a trouble with finding the server is told.
const char* name_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalidArgument: return "settings";
    case ErrorKind::kAuth:
      return error.message.find("TLS") != std::string::npos ||
                     error.message.find("certificate") != std::string::npos
                 ? "tls"
                 : "key";
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

}  // namespace

Result<std::shared_ptr<SharedServer>> shared_cache(const SharedOptions& options) {
  if (options.server.empty()) return std::shared_ptr<SharedServer>();
  return open_shared(options, SharedUse::kVectors);
}

Result<remote::ShareOf> shared_limits(const SharedOptions& options) {
  if (options.server.empty() || options.cache_only) return remote::ShareOf();
  VECMILL_ASSIGN(const auto server, open_shared(options, SharedUse::kLimits));
  VECMILL_TRY(server->keeps_limits());
  VECMILL_ASSIGN(const auto folder, make_cache_folder());
  auto secret = cache::tenant_secret(folder / "secret");
  if (!secret) return unusable_file(std::move(secret).error());
  // Who reads the server learns nothing of the key, not even whether it is one that he knows.
  const auto names = std::make_shared<cache::KeyMaker>(*secret, "vecmill-shared-limits");
  return remote::ShareOf(
      [server, names](const Secret& identity, const remote::DispatcherOptions& wanted) {
        remote::CommonStateOptions state;
        std::random_device random;
        state.worker = std::to_string(random()) + "-" + std::to_string(random());
        state.limits = remote::Dispatcher::limits_of(wanted);
        state.breaker = wanted.breaker;
        return std::make_shared<remote::CommonState>(
            server->state(hex((*names)(identity.reveal()).mac)), std::move(state));
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
  if (options.shared.server.empty()) return std::string();
  VECMILL_ASSIGN(const auto server, engine::open_shared(options.shared, engine::SharedUse::kLook));
  if (engine::is_remote(options) && !options.shared.cache_only) {
    VECMILL_TRY(server->keeps_limits());
  }
  if (server->away()) return server->away()->to_string() + "; going on without";
  const Status kept = server->keeps_vectors();
  return kept ? std::string() : kept.error().to_string();
}

void examine_shared_state(const ModelOptions& options,
                          const std::function<void(const RemoteFinding&)>& tell) {
  if (options.shared.server.empty()) return;
  const bool is_postgres = is_postgres_url(options.shared.server);
  const engine::FindingTeller teller(is_postgres ? "postgres" : "redis", tell);
  const auto start = std::chrono::steady_clock::now();
  const auto server = engine::open_shared(options.shared, engine::SharedUse::kLook);
  if (!server) {
    return teller.wrong(engine::name_of(server.error()), engine::sorted(server.error()));
  }
  if ((*server)->away()) {
    Error error = *(*server)->away();
    if (error.hint.empty()) error.hint = "start it; until then each process goes on alone";
    return teller.wrong("address", error);
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  teller.good("address", (*server)->name() + " answers in " + std::to_string(took.count()) + " ms");
  (*server)->examine(teller, engine::is_remote(options) && !options.shared.cache_only);
}

}  // namespace vecmill
