#include "vecmill/engine/shared_postgres.h"

#include <array>
#include <utility>

#include "vecmill/cache/postgres_cache_schema.h"
#include "vecmill/cache/postgres_leases.h"
#include "vecmill/cache/postgres_level.h"
#include "vecmill/postgres/client.h"
#include "vecmill/remote/postgres_state.h"

namespace vecmill::engine {
namespace {

using postgres::Connection;
using postgres::Objects;

const Objects* objects_of(SharedUse use) {
  if (use == SharedUse::kLook) return nullptr;
  return use == SharedUse::kLimits ? &remote::state_objects() : &cache::cache_objects();
}

class SharedPostgres final : public SharedServer {
 public:
  SharedPostgres(const postgres::ClientOptions& wanted, std::uint64_t max_bytes)
      : url_(wanted.url),
        max_bytes_(max_bytes),
        client_(std::make_shared<postgres::Client>(wanted)) {}

  Status look() {
    auto server = client_->server();
    if (!server && server.error().kind != ErrorKind::kUnavailable) return server.error();
    if (!server) {
      away_ = std::move(server).error();
      return {};
    }
    server_ = *std::move(server);
    return {};
  }

  [[nodiscard]] const std::string& name() const override { return url_.shown; }
  [[nodiscard]] const std::optional<Error>& away() const override { return away_; }
  [[nodiscard]] Status keeps_limits() const override { return {}; }
  [[nodiscard]] Status keeps_vectors() const override { return {}; }

  void examine(const FindingTeller& teller, bool shares_limits) override {
    const bool open = !server_.tls && !server_.local;
    teller.good("tls", server_.tls ? "encrypted" : "none",
                open ? "where others share the network, add sslmode=verify-full" : "");
    teller.good("version", server_.version);
    teller.good("persistence",
                server_.syncs ? "vectors outlive a loss of power"
                              : "fsync or full_page_writes is off: a loss of power may cost all");
    const auto tables = find_tables(shares_limits);
    tables ? teller.good("tables", *tables) : teller.wrong("tables", tables.error());
  }

  Result<std::unique_ptr<cache::Level>> level(const cache::ServerLevelOptions& wanted) override {
    return cache::make_postgres_level(client_, wanted, max_bytes_);
  }
  std::unique_ptr<cache::LeaseServer> leases() override {
    return cache::make_postgres_leases(client_);
  }
  std::unique_ptr<remote::StateServer> state(const std::string& name) override {
    return remote::make_postgres_state(client_, name);
  }

 private:
  /// Whether they are there, as this program makes them, or may be made.
  Result<std::string> find_tables(bool with_limits) {
    VECMILL_ASSIGN(Connection connection,
                   Connection::open(url_, {.patience = std::chrono::milliseconds(0)}));
    VECMILL_ASSIGN(const std::string schema, postgres::schema_of(connection, url_));
    const std::array wanted{&cache::cache_objects(), &remote::state_objects()};
    bool all = true;
    for (const Objects* objects : std::span(wanted).first(with_limits ? 2 : 1)) {
      VECMILL_ASSIGN(const bool found, postgres::has_objects(connection, schema, *objects));
      if (found) VECMILL_TRY(postgres::prepare_objects(connection, schema, *objects, false));
      all = all && found;
    }
    if (all) return "in schema " + schema;
    VECMILL_ASSIGN(const postgres::Rows may,
                   connection.run("SELECT has_schema_privilege('" + schema +
                                  "'::regnamespace, 'CREATE')::text"));
    if (may.yes(0, 0)) return "none yet in schema " + schema + ": the first use makes them";
    return make_error(ErrorKind::kAuth, "this user may not make them in schema " + schema,
                      url_.shown, "GRANT CREATE ON SCHEMA " + schema);
  }

  const postgres::Url url_;
  const std::uint64_t max_bytes_;
  const std::shared_ptr<postgres::Client> client_;
  postgres::Server server_;
  std::optional<Error> away_;
};

}  // namespace

Result<std::shared_ptr<SharedServer>> open_shared_postgres(const SharedOptions& options,
                                                           SharedUse use) {
  postgres::ClientOptions wanted;
  VECMILL_ASSIGN(wanted.url, postgres::parse_database(options.server));
  wanted.objects = objects_of(use);
  wanted.answer_within = answer_within(use);
  auto opened = std::make_shared<SharedPostgres>(wanted, options.max_bytes);
  VECMILL_TRY(opened->look());
  return opened;
}

}  // namespace vecmill::engine
