#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill {

/// How one API is reached and how much of it is asked. What is empty or 0 is as the environment
/// says (VOYAGE_BASE_URL, VOYAGE_API_KEY), then as the API's own documents do.
struct ProviderSettings {
  std::string api;       ///< of remote_apis(); empty: the provider's own name
  std::string base_url;  ///< https://..., without query or password
  std::string key_env;   ///< the variable that holds the key, instead of VOYAGE_API_KEY
  std::string key_file;  ///< a file that holds it and that no one else can read
  std::uint32_t requests_per_minute = 0, tokens_per_minute = 0;
  std::uint32_t inputs_per_minute = 0;  ///< texts
  std::uint32_t in_flight = 0;          ///< requests at once
  std::uint32_t batch_size = 0;         ///< texts per request
  std::chrono::seconds timeout{0};      ///< of a request, at most
  bool plain_http = false;              ///< base_url may be http:// on another machine
  std::string price;                    ///< as SpendOptions::price
  std::uint32_t dims = 0;               ///< as ModelOptions::dims
  /// What the model calls its prompts for the two roles, where a server wants their names (tei).
  std::string query_prompt_name{}, document_prompt_name{};
};

/// Models behind APIs: "voyage:voyage-code-3", "mycorp:bge-m3".
struct RemoteSettings {
  /// By the name before the colon: that of an API, or any other one with `api`.
  std::map<std::string, ProviderSettings, std::less<>> providers;
  /// For whichever model is opened; the members that are set are stronger than the environment and
  /// than those of its provider.
  ProviderSettings strongest;
};

/// voyage, openai, openai-compatible, ...
[[nodiscard]] std::vector<std::string_view> remote_apis();

/// The variables of the environment that are looked at for a provider.
struct ProviderVariables {
  std::string key, base_url;
};
[[nodiscard]] ProviderVariables provider_variables(const std::string& name,
                                                   const ProviderSettings& settings);

/// Whether a provider can be what the settings say.
///   errors  kInvalidArgument; `where` is the member that is wrong: "base_url"
[[nodiscard]] Status check_provider(const std::string& name, const ProviderSettings& settings);

}  // namespace vecmill
