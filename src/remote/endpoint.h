#pragma once

#include <functional>
#include <string>

#include "vecmill/remote.h"
#include "vecmill/remote/request.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// The value of a variable; empty when it is not set.
using Environment = std::function<std::string(const std::string&)>;

/// The API that a provider speaks; null: there is none of this name.
[[nodiscard]] const Dialect* dialect_of(std::string_view provider,
                                        const ProviderSettings& settings);

/// One model, where it is and what it wants to see before it answers.
struct Endpoint {
  RemoteModel model;
  Secret key;
  std::string plain_host;  ///< may be spoken to without TLS
};

/// `name`: "voyage:voyage-code-3"; an address in the environment is stronger than that of the
/// settings, a key there stronger than their key_file. `dims`: 0: what the model has.
///   errors  kInvalidArgument (no such API, no address or a wrong one, dims that the model has not,
///           those of check_provider), kAuth (no key, one of another host), those of
///           read_private_file
Result<Endpoint> find_endpoint(const std::string& name, std::uint32_t dims,
                               const ProviderSettings& settings, const Environment& environment);

}  // namespace vecmill::remote
