#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "vecmill/postgres/connection.h"
#include "vecmill/postgres/sql_state.h"

namespace vecmill::postgres {

/// How what was sent to a server ended.
struct Outcome {
  std::shared_ptr<void> result = {};  ///< of the last statement; for Rows
  std::optional<Failure> failure = {};
  bool late = false;  ///< the failure: there was no answer in time; the statement may still run
};

/// The connection broke, as libpq says it.
Outcome lost(PGconn* session);

/// Waits until the socket can be read (or written, where that is wanted). False: not in time.
bool is_ready(PGconn* session, bool write, std::chrono::steady_clock::time_point until);

/// Sends a statement; values come back in the binary format. False: the connection broke.
bool send(PGconn* session, const std::string& sql, std::span<const Param> params);

/// Has the session know a statement by a name, and sends it by that. As `send`.
bool prepare(PGconn* session, const std::string& name, const std::string& sql,
             std::span<const Param> params);
bool send_prepared(PGconn* session, const std::string& name, std::span<const Param> params);

/// Everything that the server answers to what was sent.
Outcome collect(PGconn* session, std::chrono::milliseconds deadline);

}  // namespace vecmill::postgres
