#include "vecmill/postgres/client.h"

#include <utility>

#include "vecmill/postgres/exchange.h"
#include "vecmill/postgres/parameters.h"
#include "vecmill/postgres/session.h"

namespace vecmill::postgres {
namespace {

/// What is given up here is given up there, too; and each statement sees what others committed.
constexpr const char* kGreeting =
    "SELECT set_config('statement_timeout', $1, false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " current_setting('server_version'), pg_is_in_recovery()::text,"
    " (current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean)::text";

}  // namespace

void Client::Free::operator()(pg_conn* session) const { PQfinish(session); }

Client::Client(ClientOptions options)
    : options_(std::move(options)), rest_(options_.pause_first, options_.pause_most) {
  if (options_.objects == nullptr) schema_ = "";
}

Result<Rows> Client::answer(PGconn* session, bool sent) {
  Outcome outcome = sent ? collect(session, options_.answer_within) : lost(session);
  closed_ = outcome.failure && is_lost(outcome.failure->state) && !outcome.late;
  if (outcome.failure) return to_error(*outcome.failure, shown());
  return Rows(std::move(outcome.result));
}

/// Each statement is planned once in a session: planning takes as long as the rest of a short one.
Result<Rows> Client::ask(const std::string& sql, std::span<const Param> params) {
  PGconn* session = session_.get();
  auto name = names_.find(sql);
  if (name == names_.end()) {
    const std::string fresh = "vecmill_" + std::to_string(names_.size());
    VECMILL_TRY(answer(session, prepare(session, fresh, in_schema(sql, *schema_), params)));
    name = names_.emplace(sql, fresh).first;
  }
  return answer(session, send_prepared(session, name->second, params));
}

Status Client::greet(PGconn* session) {
  const std::vector<Param> params{text(std::to_string(options_.answer_within.count()))};
  VECMILL_ASSIGN(const Rows rows, answer(session, send(session, kGreeting, params)));
  if (rows.yes(0, 3)) {
    return make_error(ErrorKind::kInvalidArgument, "is a replica, which takes no writes", shown(),
                      "name the primary server");
  }
  const char* host = PQhost(session);
  server_ = {.version = std::string(rows.at(0, 2)),
             .tls = PQsslInUse(session) != 0,
             .local = host != nullptr && *host == '/',
             .syncs = rows.yes(0, 4)};
  return schema_ ? Status{} : make_objects();
}

/// The server has just answered, so that a session that waits longer is good enough.
Status Client::make_objects() {
  VECMILL_ASSIGN(Connection connection,
                 Connection::open(options_.url, {.patience = std::chrono::milliseconds(0),
                                                 .deadline = std::chrono::seconds(10)}));
  VECMILL_ASSIGN(std::string schema, schema_of(connection, options_.url));
  VECMILL_TRY(prepare_objects(connection, schema, *options_.objects, true));
  schema_ = std::move(schema);
  return {};
}

Status Client::connect() {
  if (session_) return {};
  VECMILL_ASSIGN(Session session, postgres::connect(options_.url, options_.connect_within));
  VECMILL_TRY(greet(session.get()));
  session_.reset(session.release());
  return {};
}

Result<Rows> Client::run(const std::string& sql, std::span<const Param> params) {
  const std::lock_guard lock(mutex_);
  if (const Error* failure = rest_.failure()) return *failure;
  while (true) {
    const bool was_open = session_ != nullptr;
    Status connected = connect();
    auto rows = connected ? ask(sql, params) : Result<Rows>(connected.error());
    if (rows) {
      rest_.worked();
      return rows;
    }
    session_.reset();
    names_.clear();
    // A server that was started again, or that ends what is idle, is there all the same.
    if (was_open && closed_) continue;
    rest_.failed(rows.error());
    return rows;
  }
}

Result<Server> Client::server() {
  VECMILL_TRY(run("SELECT", {}));
  const std::lock_guard lock(mutex_);
  return server_;
}

}  // namespace vecmill::postgres
