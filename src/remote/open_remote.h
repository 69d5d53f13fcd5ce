#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/provider.h"
#include "vecmill/remote/dispatcher.h"
#include "vecmill/remote/endpoint.h"
#include "vecmill/remote/request.h"
#include "vecmill/remote/spending.h"
#include "vecmill/remote/token_estimate.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// The name of the space of a model's vectors for what the API calls a role.
using SpaceOf = std::function<std::string(const RemoteModel&, std::string_view role)>;

/// What counts the tokens of a vocabulary (KnownModel); null where it is not here.
using CounterOf = std::function<CountTokens(std::string_view vocabulary)>;

struct RemoteOptions {
  std::string name;                         ///< "voyage:voyage-code-3"
  std::uint32_t dims = 0;                   ///< 0: what the model has
  std::uint32_t max_request_texts = 0;      ///< 0: as many as the API takes
  std::shared_ptr<Spending> spending = {};  ///< null: nobody is asked for money
  ProviderSettings provider = {};           ///< its dims, batch_size and price are not looked at
};

/// Limits, batches and patience of a model: as they are wished, else as its API documents them.
[[nodiscard]] DispatcherOptions dispatcher_options(const RemoteModel& model,
                                                   const RemoteOptions& wanted);

/// The model behind a name, ready to embed. Key and address come from the environment
/// (VOYAGE_API_KEY, VOYAGE_BASE_URL and so on), then from the settings of the provider. A server
/// that describes its model is asked to, and a model whose dimension is not known for one vector.
/// Tokens are counted where `counter_of` can, and estimated elsewhere.
///   errors  those of find_endpoint, of making a guarded provider and of asking
Result<std::unique_ptr<Provider>> open_remote(const RemoteOptions& options,
                                              const Environment& environment,
                                              const SpaceOf& space_of,
                                              const CounterOf& counter_of = {});

}  // namespace vecmill::remote
