#include "vecmill/postgres/exchange.h"

#include <poll.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "vecmill/postgres/session.h"

namespace vecmill::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Outcome late(milliseconds deadline) {
  const std::string time = deadline < std::chrono::seconds(1)
                               ? std::to_string(deadline.count()) + " ms"
                               : std::to_string(deadline.count() / 1000) + " s";
  return {nullptr, Failure{"", "did not answer within " + time}, true};
}

void note(PGresult* raw, Outcome& outcome) {
  std::shared_ptr<void> result(raw, [](void* p) { PQclear(static_cast<PGresult*>(p)); });
  const ExecStatusType status = PQresultStatus(raw);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
    outcome.result = std::move(result);
    return;
  }
  if (outcome.failure) return;
  const char* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(raw, PG_DIAG_MESSAGE_PRIMARY);
  outcome.failure =
      Failure{state ? state : "", one_line(message ? message : PQresultErrorMessage(raw))};
}

/// Parameters as libpq takes them.
struct Arrays {
  explicit Arrays(std::span<const Param> params) : binary(params.size(), 1) {
    for (const Param& param : params) {
      types.push_back(param.type);
      values.push_back(param.bytes.data());
      lengths.push_back(static_cast<int>(param.bytes.size()));
    }
  }
  [[nodiscard]] int count() const { return static_cast<int>(types.size()); }

  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths, binary;
};

}  // namespace

Outcome lost(PGconn* session) { return {nullptr, Failure{"", one_line(PQerrorMessage(session))}}; }

bool is_ready(PGconn* session, bool write, Clock::time_point until) {
  pollfd socket{PQsocket(session), static_cast<short>(write ? POLLIN | POLLOUT : POLLIN), 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    // Less than 0: a signal.
    if (poll(&socket, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60000))) > 0) {
      return true;
    }
  }
}

bool send(PGconn* session, const std::string& sql, std::span<const Param> params) {
  const Arrays of(params);
  return PQsendQueryParams(session, sql.c_str(), of.count(), of.types.data(), of.values.data(),
                           of.lengths.data(), of.binary.data(), 1) != 0;
}

bool prepare(PGconn* session, const std::string& name, const std::string& sql,
             std::span<const Param> params) {
  const Arrays of(params);
  return PQsendPrepare(session, name.c_str(), sql.c_str(), of.count(), of.types.data()) != 0;
}

bool send_prepared(PGconn* session, const std::string& name, std::span<const Param> params) {
  const Arrays of(params);
  return PQsendQueryPrepared(session, name.c_str(), of.count(), of.values.data(), of.lengths.data(),
                             of.binary.data(), 1) != 0;
}

Outcome collect(PGconn* session, milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  for (int more = PQflush(session); more != 0; more = PQflush(session)) {
    if (more < 0) return lost(session);
    if (!is_ready(session, true, until)) return late(deadline);
    if (PQconsumeInput(session) == 0) return lost(session);
  }
  Outcome outcome;
  for (;;) {
    while (PQisBusy(session) != 0) {
      if (!is_ready(session, false, until)) return late(deadline);
      if (PQconsumeInput(session) == 0) return lost(session);
    }
    PGresult* raw = PQgetResult(session);
    if (!raw) break;
    note(raw, outcome);
  }
  if (!outcome.result && !outcome.failure) return lost(session);
  return outcome;
}

}  // namespace vecmill::postgres
