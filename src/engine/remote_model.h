#pragma once

#include <string>

#include "vecmill/engine.h"
#include "vecmill/remote/endpoint.h"

namespace vecmill::engine {

/// Whether the model of the options is behind an API: "voyage:voyage-code-3", or of a provider that
/// the options name.
[[nodiscard]] bool is_remote(const ModelOptions& options);

/// The API that such a model's provider speaks.
[[nodiscard]] const remote::Dialect& dialect_of(const ModelOptions& options);

/// What counts for such a model: what is strongest, then its provider's, then what the options say
/// for any model (dims, batch_size, price).
///   errors  those of check_provider, of the provider named in `where`
Result<ProviderSettings> remote_settings(const ModelOptions& options);

/// With the price that such a model has where the price book knows none under its own name: as said
/// in the settings, else that of its API.
[[nodiscard]] SpendOptions spend_options(const ModelOptions& options,
                                         const ProviderSettings& settings);

/// "voyage:, openai:, ..." and those of the options.
[[nodiscard]] std::string provider_names(const ModelOptions& options);

/// The value of a variable of this process; empty when it is not set.
[[nodiscard]] std::string environment_value(const std::string& name);

}  // namespace vecmill::engine
