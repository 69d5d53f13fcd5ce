#pragma once

#include <string>

#include "vecmill/result.h"

namespace vecmill {

/// A Redis that processes share: vectors, and what is left of the limits of remote models and
/// whether these work. Never money. Without it, or while it is away, each process goes on alone.
struct SharedOptions {
  /// redis://[user:password@]host:port/database, rediss:// with TLS, unix:///socket; empty: none.
  std::string redis = {};
  std::string password_env = {};  ///< the variable that holds the password
  std::string ca_file = {};       ///< whom TLS trusts; empty: whom the system trusts
  bool cache_only = false;        ///< limits stay each process's own
};

struct ModelOptions;

/// Asks the server of the options what it is. Gives one line when work goes on in spite of
/// something: it is away, or drops vectors; else an empty one.
///   errors  kInvalidArgument: no address, or a server that drops keys where limits are shared;
///           kAuth: password or certificate; kUnsupported: too old, or a replica; kInvalidData: no
///           Redis
Result<std::string> check_shared_state(const ModelOptions& options);

}  // namespace vecmill
