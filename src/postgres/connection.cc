#include "vecmill/postgres/connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <random>
#include <thread>
#include <utility>

#include "vecmill/postgres/exchange.h"
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

void cancel(PGconn* session) {
  std::array<char, 256> message{};
  PGcancel* handle = PQgetCancel(session);
  if (handle) PQcancel(handle, message.data(), static_cast<int>(message.size()));
  PQfreeCancel(handle);
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
  bool is_out = false;  ///< it was waited for in vain

  /// Tries until it works, cannot work, or the patience is over. Of a server that was waited for
  /// in vain only once: what many callers wait for one after the other would take hours.
  Result<Rows> insist(milliseconds deadline, const std::function<bool(PGconn*)>& send) {
    auto until = Clock::now() + (is_out ? milliseconds(0) : options.patience);
    for (milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
      Error error;
      if (!session) {
        auto fresh = connect(url);
        if (fresh) {
          session = *std::move(fresh);
          if (std::exchange(is_out, false)) until = Clock::now() + options.patience;
        } else if (error = std::move(fresh).error(); error.kind != ErrorKind::kUnavailable) {
          return error;
        }
      }
      if (session) {
        Outcome outcome =
            send(session.get()) ? collect(session.get(), deadline) : lost(session.get());
        if (outcome.late) cancel(session.get());
        if (!outcome.failure) return Rows(std::move(outcome.result));
        error = to_error(*outcome.failure, url.shown);
        if (is_lost(outcome.failure->state)) session.reset();
        if (!is_transient(outcome.failure->state)) return error;
      }
      if (Clock::now() + pause > until) {
        is_out = !session;
        return error;
      }
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
  return state_->insist(state_->options.deadline,
                        [&](PGconn* session) { return send(session, sql, params); });
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
