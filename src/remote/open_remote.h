#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/base/secret.h"
#include "vecmill/provider.h"
#include "vecmill/remote/dispatcher.h"
#include "vecmill/remote/endpoint.h"
#include "vecmill/remote/request.h"
#include "vecmill/remote/shared_state.h"
#include "vecmill/remote/spending.h"
#include "vecmill/remote/token_estimate.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// The name of the space of a model's vectors for what the API calls a role.
using SpaceOf =
    std::function<std::string(const RemoteModel&, std::string_view role, Truncate truncate)>;

/// What is known here of the tokens of a model of an API.
using VocabularyOf = std::function<Vocabulary(const Dialect& dialect, const std::string& model)>;

/// The state that processes share of an API, a key and a model, which `identity` is made of; null
/// where none is shared.
using ShareOf = std::function<std::shared_ptr<SharedState>(const Secret& identity,
                                                           const DispatcherOptions& options)>;

struct RemoteOptions {
  std::string name;                             ///< "voyage:voyage-code-3"
  std::uint32_t dims = 0;                       ///< 0: what the model has
  std::uint32_t max_request_texts = 0;          ///< 0: as many as the API takes
  std::shared_ptr<Spending> spending = {};      ///< null: nobody is asked for money
  ProviderSettings provider = {};               ///< dims, batch_size and price are not looked at
  std::chrono::seconds patience{600};           ///< with a server that fails
  std::chrono::milliseconds ask_again{60'000};  ///< how often one that keeps failing is asked
  std::uint32_t known_dims = 0;  ///< what the model has, where the caller knows; 0: found out
  ShareOf share_of = {};
};

/// Limits, batches and patience of a model: as they are wished, else as its API documents them.
[[nodiscard]] DispatcherOptions dispatcher_options(const RemoteModel& model,
                                                   const RemoteOptions& wanted);

/// The model behind a name, ready to embed. Key and address come from the environment
/// (VOYAGE_API_KEY, VOYAGE_BASE_URL and so on), then from the settings of the provider. A server
/// that describes its model is asked to, and a model whose dimension is not known for one vector.
/// Tokens are counted where `vocabulary_of` can, and estimated elsewhere.
///   errors  those of find_endpoint, of making a guarded provider and of asking
Result<std::unique_ptr<Provider>> open_remote(const RemoteOptions& options,
                                              const Environment& environment,
                                              const SpaceOf& space_of,
                                              const VocabularyOf& vocabulary_of = {});

/// Whether the vendor says that the vectors of two models can be compared: "voyage:voyage-4-large"
/// and "voyage:voyage-4-lite" with as many dimensions.
[[nodiscard]] bool in_one_space(std::string_view name, std::string_view other);

}  // namespace vecmill::remote
