#include "vecmill/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <random>
#include <thread>
#include <utility>

#include "vecmill/postgres/session.h"
#include "vecmill/postgres/sql_state.h"

namespace vecmill::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{50}, kLongestPause{2000};
constexpr milliseconds kLongDeadline = std::chrono::hours(100);

PGresult* result_of(const std::shared_ptr<void>& result) {
  return static_cast<PGresult*>(result.get());
}

Failure lost(PGconn* session) { return {"", one_line(PQerrorMessage(session))}; }

/// Waits until the socket can be read (or written, where that is wanted too).
bool wait_for(PGconn* session, bool write, Clock::time_point until) {
  pollfd socket{PQsocket(session), static_cast<short>(write ? POLLIN | POLLOUT : POLLIN), 0};
  const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
  if (left.count() <= 0) return false;
  return poll(&socket, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60000))) >= 0;
}

void cancel(PGconn* session) {
  std::array<char, 256> message{};
  PGcancel* handle = PQgetCancel(session);
  if (handle) PQcancel(handle, message.data(), static_cast<int>(message.size()));
  PQfreeCancel(handle);
}

struct Outcome {
  std::shared_ptr<void> result;  ///< of the last statement
  std::optional<Failure> failure;
};

Outcome failed(Failure failure) { return {nullptr, std::move(failure)}; }

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

/// Everything that the server answers to what was sent.
Outcome collect(PGconn* session, milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  const auto wait = [&](bool write) {
    if (wait_for(session, write, until)) return true;
    if (Clock::now() < until) return true;  // interrupted by a signal
    cancel(session);
    return false;
  };
  const Failure late{"", "did not answer within " + std::to_string(deadline.count() / 1000) + " s"};
  for (int more = PQflush(session); more != 0; more = PQflush(session)) {
    if (more < 0) return failed(lost(session));
    if (!wait(true)) return failed(late);
    if (PQconsumeInput(session) == 0) return failed(lost(session));
  }
  Outcome outcome;
  for (;;) {
    while (PQisBusy(session) != 0) {
      if (!wait(false)) return failed(late);
      if (PQconsumeInput(session) == 0) return failed(lost(session));
    }
    PGresult* raw = PQgetResult(session);
    if (!raw) break;
    note(raw, outcome);
  }
  if (!outcome.result && !outcome.failure) return failed(lost(session));
  return outcome;
}

milliseconds with_jitter(milliseconds pause) {
  thread_local std::minstd_rand random(std::random_device{}());
  return pause / 2 +
         milliseconds(std::uniform_int_distribution<std::int64_t>(0, pause.count() / 2)(random));
}

}  // namespace

Rows::Rows(std::shared_ptr<void> result) : result_(std::move(result)) {}

std::size_t Rows::size() const { return static_cast<std::size_t>(PQntuples(result_of(result_))); }

bool Rows::is_null(std::size_t row, std::size_t column) const {
  return PQgetisnull(result_of(result_), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::string_view Rows::at(std::size_t row, std::size_t column) const {
  const int r = static_cast<int>(row), c = static_cast<int>(column);
  return {PQgetvalue(result_of(result_), r, c),
          static_cast<std::size_t>(PQgetlength(result_of(result_), r, c))};
}

std::uint64_t Rows::number(std::size_t row, std::size_t column) const {
  const std::string_view text = at(row, column);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  return read_integer(at(row, column));
}

bool Rows::yes(std::size_t row, std::size_t column) const { return at(row, column) == "true"; }

std::uint64_t Rows::affected() const {
  const std::string_view text = PQcmdTuples(result_of(result_));
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Connection::State {
  Url url;
  ConnectionOptions options;
  Session session;
  std::string place;

  /// Tries until it works, cannot work, or the patience is over.
  Result<Rows> insist(milliseconds deadline, const std::function<bool(PGconn*)>& send) {
    const auto until = Clock::now() + options.patience;
    for (milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
      Error error;
      if (!session) {
        auto fresh = connect(url);
        if (fresh) {
          session = *std::move(fresh);
        } else if (error = std::move(fresh).error(); error.kind != ErrorKind::kUnavailable) {
          return error;
        }
      }
      if (session) {
        Outcome outcome =
            send(session.get()) ? collect(session.get(), deadline) : failed(lost(session.get()));
        if (!outcome.failure) return Rows(std::move(outcome.result));
        error = to_error(*outcome.failure, url.shown);
        if (is_lost(outcome.failure->state)) session.reset();
        if (!is_transient(outcome.failure->state)) return error;
      }
      if (Clock::now() + pause > until) return error;
      std::this_thread::sleep_for(with_jitter(pause));
    }
  }
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(const Url& url, const ConnectionOptions& options) {
  VECMILL_ASSIGN(Session session, connect(url));
  std::string place;
  for (const char* part : {PQhost(session.get()), PQport(session.get()), PQdb(session.get())}) {
    place += std::string(part ? part : "") + "\n";
  }
  return Connection(
      std::make_unique<State>(State{url, options, std::move(session), std::move(place)}));
}

Result<Rows> Connection::run(const std::string& sql, std::span<const Param> params) {
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const Param& param : params) {
    types.push_back(param.type);
    values.push_back(param.bytes.data());
    lengths.push_back(static_cast<int>(param.bytes.size()));
  }
  const std::vector<int> binary(params.size(), 1);
  return state_->insist(state_->options.deadline, [&](PGconn* session) {
    return PQsendQueryParams(session, sql.c_str(), static_cast<int>(params.size()), types.data(),
                             values.data(), lengths.data(), binary.data(), 1) != 0;
  });
}

Result<Rows> Connection::run_long(const std::string& sql) {
  return state_->insist(kLongDeadline,
                        [&](PGconn* session) { return PQsendQuery(session, sql.c_str()) != 0; });
}

Status Connection::run_script(const std::string& sql) {
  VECMILL_TRY(state_->insist(state_->options.deadline, [&](PGconn* session) {
    return PQsendQuery(session, sql.c_str()) != 0;
  }));
  return {};
}

const std::string& Connection::place() const { return state_->place; }

const std::string& Connection::shown() const { return state_->url.shown; }

}  // namespace vecmill::postgres
