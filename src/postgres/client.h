#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "vecmill/base/rest.h"
#include "vecmill/postgres/connection.h"
#include "vecmill/postgres/schema.h"
#include "vecmill/postgres/url.h"
#include "vecmill/result.h"

struct pg_conn;

namespace vecmill::postgres {

struct ClientOptions {
  Url url;
  /// Tables and functions that are made at the first connection where they are not; null: none.
  const Objects* objects = nullptr;
  std::chrono::milliseconds connect_within{250};
  std::chrono::milliseconds answer_within{500};
  /// How long nothing is tried after a failure; doubles with each further one.
  std::chrono::milliseconds pause_first{100}, pause_most{5000};
};

/// What a server says of itself.
struct Server {
  std::string version;
  bool tls = false;
  bool local = false;  ///< through a socket of this machine
  bool syncs = true;   ///< what is committed outlives a loss of power
};

/// A session for those who would rather go on without a server than wait for it; made when first
/// needed and again after a failure. Calls of several threads follow one another. A call waits for
/// `connect_within` and `answer_within` at most (once more for a statement that the session does
/// not know yet, and once for the objects to be made) and, while the server is known to be away,
/// not at all. After an error it is not known whether a statement took effect; one that met a
/// closed session may take effect twice.
///   errors  of all calls: as Connection::open, Connection::run and prepare_objects; a replica is
///           kInvalidArgument
class Client {
 public:
  explicit Client(ClientOptions options);

  /// `@` in the statement stands for the schema.
  Result<Rows> run(const std::string& sql, std::span<const Param> params);

  /// What it is speaking to; connects.
  Result<Server> server();

  /// The URL without its password.
  [[nodiscard]] const std::string& shown() const { return options_.url.shown; }

 private:
  struct Free {
    void operator()(pg_conn* session) const;
  };

  Status connect();
  Status greet(pg_conn* session);
  Status make_objects();
  Result<Rows> ask(const std::string& sql, std::span<const Param> params);
  Result<Rows> answer(pg_conn* session, bool sent);

  const ClientOptions options_;
  std::mutex mutex_;
  std::unique_ptr<pg_conn, Free> session_;
  std::map<std::string, std::string> names_;  ///< of the statements that the session knows
  bool closed_ = false;  ///< why the last answer failed: the server ended the session
  Server server_;
  std::optional<std::string> schema_;  ///< where the objects are
  Rest rest_;
};

}  // namespace vecmill::postgres
