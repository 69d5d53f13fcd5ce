#include "vecmill/engine/shared_redis.h"

#include <cstdlib>
#include <utility>

#include "vecmill/cache/redis_leases.h"
#include "vecmill/cache/redis_level.h"
#include "vecmill/remote/redis_state.h"

namespace vecmill::engine {
namespace {

/// Whether it makes snapshots; none: this user may not ask.
std::optional<bool> makes_snapshots(redis::Client& client) {
  const auto reply = client.call({"CONFIG", "GET", "save"});
  if (!reply || reply->items.size() != 2) return std::nullopt;
  return !reply->items[1].text.empty();
}

class SharedRedis final : public SharedServer {
 public:
  explicit SharedRedis(const redis::ClientOptions& wanted)
      : client_(std::make_shared<redis::Client>(wanted)), name_(wanted.address.name()) {}

  Status look() {
    auto server = client_->server();
    if (!server && server.error().kind != ErrorKind::kUnavailable) return server.error();
    if (!server) {
      away_ = std::move(server).error();
      return {};
    }
    if (server->is_replica) {
      return make_error(ErrorKind::kInvalidArgument, "is a replica, which takes no writes", name_,
                        "name the primary server");
    }
    server_ = *std::move(server);
    return {};
  }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const std::optional<Error>& away() const override { return away_; }

  [[nodiscard]] Status keeps_limits() const override {
    if (keeps_keys()) return {};
    return make_error(ErrorKind::kInvalidArgument, dropping() + ", and limits with them", name_,
                      "set it to noeviction, or share vectors only: --shared-cache-only");
  }
  [[nodiscard]] Status keeps_vectors() const override {
    if (keeps_keys()) return {};
    return make_error(ErrorKind::kInvalidArgument, dropping() + ": vectors will be made again",
                      name_);
  }

  void examine(const FindingTeller& teller, bool shares_limits) override {
    const redis::Address& address = client_->address();
    const bool open = !address.tls && address.socket.empty();
    teller.good("tls", address.tls ? "the certificate is good" : "none",
                open ? "where others share the network, name it rediss://" : "");
    teller.good("version", server_->version);
    tell_persistence(teller);
    const Status kept = keeps_limits();
    if (!kept && shares_limits) return teller.wrong("eviction", kept.error());
    teller.good("eviction",
                server_->eviction + (kept ? "" : ": vectors that it drops are made again"));
  }

  Result<std::unique_ptr<cache::Level>> level(const cache::ServerLevelOptions& wanted) override {
    return cache::make_redis_level(client_, wanted);
  }
  std::unique_ptr<cache::LeaseServer> leases() override {
    return cache::make_redis_leases(client_);
  }
  std::unique_ptr<remote::StateServer> state(const std::string& name) override {
    return remote::make_redis_state(client_, name);
  }

 private:
  [[nodiscard]] bool keeps_keys() const { return !server_ || server_->eviction == "noeviction"; }
  [[nodiscard]] std::string dropping() const {
    return "drops keys when it is full (maxmemory-policy " + server_->eviction + ")";
  }

  void tell_persistence(const FindingTeller& teller) {
    if (server_->save_failed) {
      return teller.wrong("persistence",
                          make_error(ErrorKind::kUnavailable, "it cannot write to its disk", {},
                                     "look at its log: it may take no writes until it can"));
    }
    if (server_->append_only) return teller.good("persistence", "append-only file");
    const auto snapshots = makes_snapshots(*client_);
    if (!snapshots) return teller.good("persistence", "no append-only file");
    teller.good("persistence", *snapshots
                                   ? "snapshots"
                                   : "none: after its restart vectors are made again, and limits "
                                     "begin with nothing to give away");
  }

  const std::shared_ptr<redis::Client> client_;
  const std::string name_;
  std::optional<redis::Server> server_;
  std::optional<Error> away_;
};

}  // namespace

Result<redis::ClientOptions> redis_options(const SharedOptions& options) {
  redis::ClientOptions wanted;
  VECMILL_ASSIGN(wanted.address, redis::parse_address(options.server));
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

Result<std::shared_ptr<SharedServer>> open_shared_redis(const SharedOptions& options,
                                                        SharedUse use) {
  VECMILL_ASSIGN(redis::ClientOptions wanted, redis_options(options));
  wanted.answer_within = answer_within(use);
  auto opened = std::make_shared<SharedRedis>(wanted);
  VECMILL_TRY(opened->look());
  return opened;
}

}  // namespace vecmill::engine
