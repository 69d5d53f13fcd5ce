#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/base/secret.h"
#include "vecmill/provider.h"
#include "vecmill/remote/dispatcher.h"
#include "vecmill/remote/request.h"
#include "vecmill/remote/shared_state.h"
#include "vecmill/remote/spending.h"
#include "vecmill/remote/token_estimate.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// Whether a model's name is that of an API and a model: "voyage:voyage-code-3".
[[nodiscard]] bool is_remote(std::string_view name);

/// The value of a variable; empty when it is not set.
using Environment = std::function<std::string(const std::string&)>;

/// The name of the space of a model's vectors for what the API calls a role.
using SpaceOf = std::function<std::string(const RemoteModel&, std::string_view role)>;

/// What counts the tokens of a vocabulary (KnownModel); null where it is not here.
using CounterOf = std::function<CountTokens(std::string_view vocabulary)>;

/// The state that processes share of an API, a key and a model, which `identity` is made of; null
/// where none is shared.
using ShareOf = std::function<std::shared_ptr<SharedState>(const Secret& identity,
                                                           const DispatcherOptions& options)>;

struct RemoteOptions {
  std::string name;                         ///< "voyage:voyage-code-3"
  std::uint32_t dims = 0;                   ///< 0: what the model has
  std::uint32_t max_request_texts = 0;      ///< 0: as many as the API takes
  std::shared_ptr<Spending> spending = {};  ///< null: nobody is asked for money
  ShareOf share_of = {};
};

/// The model behind a name, ready to embed. Key and address come from the environment:
/// VOYAGE_API_KEY, VOYAGE_BASE_URL and so on. A model whose dimension is not known is asked for one
/// vector. Tokens are counted where `counter_of` can, and estimated elsewhere.
///   errors  kInvalidArgument (no such API, no address, dims that the model has not), kAuth (no
///           key), and those of asking
Result<std::unique_ptr<Provider>> open_remote(const RemoteOptions& options,
                                              const Environment& environment,
                                              const SpaceOf& space_of,
                                              const CounterOf& counter_of = {});

}  // namespace vecmill::remote
