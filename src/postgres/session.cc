#include "vecmill/postgres/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/postgres/exchange.h"

namespace vecmill::postgres {
namespace {

/// The server's certificate is not as `sslmode` asks, or it has none; as libpq says it.
bool is_about_tls(std::string_view message) {
  constexpr std::array kWords{"certificate verify failed", "server certificate", "certificate file",
                              "does not support SSL"};
  return std::ranges::any_of(
      kWords, [&](const char* words) { return message.find(words) != message.npos; });
}

ErrorKind kind_of_refusal(PGconn* connection, std::string_view message) {
  if (is_about_tls(message)) return ErrorKind::kAuth;
  const auto says = [&](std::string_view words) { return message.find(words) != message.npos; };
  if (PQconnectionNeedsPassword(connection) != 0 || PQconnectionUsedPassword(connection) != 0 ||
      says("role \"") || says("pg_hba.conf") || says("uthentication failed")) {
    return ErrorKind::kAuth;
  }
  return says("database \"") && says("does not exist") ? ErrorKind::kNotFound
                                                       : ErrorKind::kUnavailable;
}

/// What PQconnectdbParams and PQconnectStartParams take.
struct Parameters {
  explicit Parameters(const Url& url)
      : values{"10",   "60000", "30", "10", "vecmill", url.connection.reveal().c_str(),
               "UTF8", nullptr} {}

  // What stands before dbname gives way to the URI's own parameters, what stands behind does not.
  // A host that went away without a word is noticed within two minutes, also by who only listens
  // and by who waits for a long statement.
  static constexpr std::size_t kSettings = 8;
  const std::array<const char*, kSettings> keys = {
      "connect_timeout",           "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
      "fallback_application_name", "dbname",           "client_encoding", nullptr};
  const std::array<const char*, kSettings> values;
};

Result<Session> opened(Session session, const Url& url) {
  VECMILL_CHECK(session != nullptr);
  if (PQstatus(session.get()) != CONNECTION_OK) {
    const std::string message = one_line(PQerrorMessage(session.get()));
    return make_error(kind_of_refusal(session.get(), message), message, url.shown,
                      is_about_tls(message)
                          ? "sslrootcert=FILE names whom TLS trusts; the host must be that of the "
                            "certificate"
                          : "PGHOST, PGUSER, PGPASSWORD and ~/.pgpass count as they do for psql");
  }
  PQsetNoticeProcessor(
      session.get(), [](void*, const char*) {}, nullptr);
  PQsetnonblocking(session.get(), 1);
  return session;
}

}  // namespace

Result<Session> connect(const Url& url) {
  const Parameters given(url);
  return opened(Session(PQconnectdbParams(given.keys.data(), given.values.data(), 1), &PQfinish),
                url);
}

Result<Session> connect(const Url& url, std::chrono::milliseconds within) {
  const Parameters given(url);
  Session session(PQconnectStartParams(given.keys.data(), given.values.data(), 1), &PQfinish);
  const auto until = std::chrono::steady_clock::now() + within;
  auto next = PGRES_POLLING_WRITING;
  while (PQstatus(session.get()) != CONNECTION_BAD && next != PGRES_POLLING_OK &&
         next != PGRES_POLLING_FAILED) {
    if (!is_ready(session.get(), next == PGRES_POLLING_WRITING, until)) {
      return make_error(ErrorKind::kUnavailable,
                        "no connection within " + std::to_string(within.count()) + " ms",
                        url.shown);
    }
    next = PQconnectPoll(session.get());
  }
  return opened(std::move(session), url);
}

std::string one_line(std::string_view message) {
  std::string line;
  for (const char c : message) {
    if (c == '\n') {
      line += "; ";
    } else if (c != '\t' && (c != ' ' || !line.ends_with(' '))) {
      line += c;
    }
  }
  while (line.ends_with(' ') || line.ends_with(';')) line.pop_back();
  return line;
}

}  // namespace vecmill::postgres
