#include "vecmill/postgres/listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/postgres/session.h"

namespace vecmill::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kAnotherTry{1000};  ///< to connect
constexpr const char* kTrigger = "vecmill_watch";
constexpr const char* kFunction = "vecmill_notify";

/// Sleeps until there is something to read, somebody says stop or the time is over. False: stop.
bool sleep(PGconn* session, int stopped, Clock::time_point until) {
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  std::array<pollfd, 2> both{pollfd{stopped, POLLIN, 0},
                             pollfd{session ? PQsocket(session) : -1, POLLIN, 0}};
  (void)poll(both.data(), both.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
  return both[0].revents == 0;
}

/// What came in, read to its end. True: a notification was among it.
bool take_notifications(PGconn* session) {
  bool any = false;
  while (PGnotify* one = PQnotifies(session)) {
    PQfreemem(one);
    any = true;
  }
  return any;
}

}  // namespace

std::string channel_of(const Table& table) { return "vecmill_" + std::to_string(table.oid); }

Result<bool> has_trigger(Connection& connection, const Table& table) {
  VECMILL_ASSIGN(const Rows rows, connection.run("SELECT 1 FROM pg_trigger WHERE tgrelid = " +
                                                 std::to_string(table.oid) + " AND tgname = '" +
                                                 kTrigger + "' AND tgenabled IN ('O', 'A')"));
  return !rows.empty();
}

Status make_trigger(Connection& connection, const Table& table, const std::string& column) {
  if (table.is_view) {
    return make_error(ErrorKind::kUnsupported, "is a view, which has no trigger",
                      connection.shown(), "watch its table, or let it be looked at now and then");
  }
  VECMILL_ASSIGN(const bool there, has_trigger(connection, table));
  if (there) return {};
  const std::string function = sql_name(table.schema) + "." + kFunction;
  return connection.run_script("CREATE OR REPLACE FUNCTION " + function +
                               "() RETURNS trigger LANGUAGE plpgsql AS "
                               "$$BEGIN PERFORM pg_notify(TG_ARGV[0], ''); RETURN NULL; END$$;"
                               "DROP TRIGGER IF EXISTS " +
                               kTrigger + " ON " + table.sql() + ";CREATE TRIGGER " + kTrigger +
                               " AFTER INSERT OR UPDATE OF " + sql_name(column) + " ON " +
                               table.sql() + " FOR EACH STATEMENT EXECUTE FUNCTION " + function +
                               "('" + channel_of(table) + "')");
}

struct Listener::State {
  Url url;
  std::string channel;
  Session session{nullptr, &PQfinish};
  int stopped = -1;  ///< an eventfd that is written when somebody says stop

  ~State() {
    if (stopped >= 0) ::close(stopped);
  }

  Status listen() {
    VECMILL_ASSIGN(session, connect(url));
    const std::unique_ptr<PGresult, decltype(&PQclear)> done(
        PQexec(session.get(), ("LISTEN " + channel).c_str()), &PQclear);
    if (PQresultStatus(done.get()) == PGRES_COMMAND_OK) return {};
    Error error =
        make_error(ErrorKind::kUnavailable, one_line(PQerrorMessage(session.get())), url.shown);
    session.reset();
    return error;
  }
};

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

Result<Listener> Listener::open(const Url& url, const std::string& channel) {
  auto state = std::make_unique<State>();
  state->url = url;
  state->channel = channel;
  state->stopped = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  VECMILL_CHECK(state->stopped >= 0);
  VECMILL_TRY(state->listen());
  return Listener(std::move(state));
}

bool Listener::wait(milliseconds at_most, const std::stop_token& stop) {
  State& state = *state_;
  const auto until = Clock::now() + at_most;
  const std::stop_callback wake(stop, [&state] {
    const std::uint64_t one = 1;
    (void)!::write(state.stopped, &one, sizeof(one));
  });
  for (;;) {
    if (!state.session && state.listen()) return true;
    const auto wake_up = state.session ? until : std::min(until, Clock::now() + kAnotherTry);
    if (state.session && PQconsumeInput(state.session.get()) == 0) {
      state.session.reset();
      return true;
    }
    if (state.session && take_notifications(state.session.get())) return true;
    if (!sleep(state.session.get(), state.stopped, wake_up) || Clock::now() >= until) return false;
  }
}

}  // namespace vecmill::postgres
