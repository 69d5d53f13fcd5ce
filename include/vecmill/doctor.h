#pragma once

#include <functional>
#include <optional>
#include <string>

#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill {

/// One thing about a model behind an API, or about the server that processes share.
struct RemoteFinding {
  std::string provider;  ///< "voyage", with its model "voyage:voyage-code-3"; "redis", "postgres"
  /// settings, address, tls, clock, cost, key, model, dims, limits; of what is shared also version,
  /// persistence, eviction (Redis), tables (PostgreSQL)
  std::string name;
  std::string value;
  std::optional<ErrorKind> wrong{};  ///< what kind of trouble it is; nothing: it is as it must be
  std::string hint{};                ///< the way out
};

/// Looks at the model of the options, or at a provider ("mycorp:") as far as can be seen without a
/// model, and tells what it finds as it finds it. Asks for the vector of one word, once, after
/// having told (`cost`) what that costs at most; the ledger has it on record as any request.
///   errors  kInvalidArgument: not the name of a remote model
Status examine_remote(const ModelOptions& options,
                      const std::function<void(const RemoteFinding&)>& tell);

/// Looks at the server that the options share and writes nothing to it; tells nothing where none is
/// named.
void examine_shared_state(const ModelOptions& options,
                          const std::function<void(const RemoteFinding&)>& tell);

}  // namespace vecmill
