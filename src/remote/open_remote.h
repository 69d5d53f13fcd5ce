#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/provider.h"
#include "vecmill/remote/request.h"
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

struct RemoteOptions {
  std::string name;                             ///< "voyage:voyage-code-3"
  std::uint32_t dims = 0;                       ///< 0: what the model has
  std::uint32_t max_request_texts = 0;          ///< 0: as many as the API takes
  std::shared_ptr<Spending> spending = {};      ///< null: nobody is asked for money
  std::chrono::seconds patience{600};           ///< with a server that fails
  std::chrono::milliseconds ask_again{60'000};  ///< how often one that keeps failing is asked
  std::uint32_t known_dims = 0;  ///< what the model has, where the caller knows; 0: found out
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

/// Whether the vendor says that the vectors of two models can be compared: "voyage:voyage-4-large"
/// and "voyage:voyage-4-lite" with as many dimensions.
[[nodiscard]] bool in_one_space(std::string_view name, std::string_view other);

}  // namespace vecmill::remote
