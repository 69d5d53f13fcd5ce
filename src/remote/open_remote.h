#pragma once

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

/// What is known here of the tokens of a model of an API.
using VocabularyOf = std::function<Vocabulary(const Dialect& dialect, const std::string& model)>;

struct RemoteOptions {
  std::string name;                         ///< "voyage:voyage-code-3"
  std::uint32_t dims = 0;                   ///< 0: what the model has
  std::uint32_t max_request_texts = 0;      ///< 0: as many as the API takes
  std::shared_ptr<Spending> spending = {};  ///< null: nobody is asked for money
};

/// The model behind a name, ready to embed. Key and address come from the environment:
/// VOYAGE_API_KEY, VOYAGE_BASE_URL and so on. A server that describes its model is asked to, and a
/// model whose dimension is not known for one vector. Tokens are counted where `vocabulary_of` can,
/// and estimated elsewhere.
///   errors  kInvalidArgument (no such API, no address, dims that the model has not), kAuth (no
///           key), and those of asking
Result<std::unique_ptr<Provider>> open_remote(const RemoteOptions& options,
                                              const Environment& environment,
                                              const SpaceOf& space_of,
                                              const VocabularyOf& vocabulary_of = {});

}  // namespace vecmill::remote
