#pragma once

#include <cstdint>
#include <string>

#include "vecmill/result.h"

namespace vecmill {

/// A Redis or a PostgreSQL that processes share: vectors, and what is left of the limits of remote
/// models and whether these work. Never money. Without it, or while it is away, each process goes
/// on alone.
struct SharedOptions {
  /// redis://[user:password@]host:port/database, rediss:// with TLS, unix:///socket, or
  /// postgres://user@host:port/database?schema=S; empty: none.
  std::string server = {};
  std::string password_env = {};  ///< the variable that holds the password of a Redis
  std::string ca_file = {};       ///< whom its TLS trusts; empty: whom the system trusts
  bool cache_only = false;        ///< limits stay each process's own
  std::uint64_t max_bytes = std::uint64_t{10} << 30;  ///< of vectors in a PostgreSQL, about
};

/// How limits were shared since the engine was opened.
struct SharedReport {
  bool used = false;
  std::uint64_t admitted = 0;  ///< requests that limits and breaker let go
  std::uint64_t alone = 0;  ///< of them, by this process's share, because the server was not there
  std::uint64_t processes = 0;  ///< that share, as seen last, this one among them
  std::string failure = {};     ///< of the server, the last one
};

struct ModelOptions;

/// Asks the server of the options what it is. Gives one line when work goes on in spite of
/// something: it is away, or drops vectors; else an empty one.
///   errors  kInvalidArgument: no address, a replica, or a server that drops keys where limits are
///           shared; kAuth: password or certificate; kNotFound: no such database; kUnsupported: too
///           old; kInvalidData: no Redis
Result<std::string> check_shared_state(const ModelOptions& options);

}  // namespace vecmill
