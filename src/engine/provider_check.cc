#include <algorithm>

#include "vecmill/http/address.h"
#include "vecmill/ledger/money.h"
#include "vecmill/remote.h"
#include "vecmill/remote/dialect.h"
#include "vecmill/remote/endpoint.h"

namespace vecmill {
namespace {

/// Less than a paragraph a minute: nothing real fits. (Voyage's free tier has 10,000.)
constexpr std::uint32_t kLeastTokens = 512;
constexpr std::uint32_t kMostInFlight = 1000;
constexpr std::uint32_t kMostTexts = 65'536;
constexpr std::chrono::hours kLongest{1};

Error wrong(const char* member, std::string message, std::string hint = {}) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), member, std::move(hint));
}

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::ranges::all_of(name, fits);
}

/// As variables are called; a key that stands there by mistake has small letters or a dash.
bool is_variable(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return std::ranges::all_of(name, fits) && !(name[0] >= '0' && name[0] <= '9');
}

Status check_api(const std::string& name, const ProviderSettings& settings) {
  if (!is_name(name) || name == "builtin") {
    return wrong("api", "\"" + name + "\" cannot be the name of a provider",
                 "use small letters, digits, - and _");
  }
  const bool own = remote::find_dialect(name) == nullptr;
  if (!own && !settings.api.empty() && settings.api != name) {
    return wrong("api", name + " is an API of its own", "choose another name for the provider");
  }
  if (remote::dialect_of(name, settings) == nullptr) {
    return settings.api.empty() ? wrong("api", "there is no API \"" + name + "\"",
                                        "say which it speaks: api = \"openai-compatible\"")
                                : wrong("api", "there is no API \"" + settings.api + "\"",
                                        "a server of your own speaks \"openai-compatible\"");
  }
  return {};
}

Status check_limits(const remote::Dialect& dialect, const ProviderSettings& settings) {
  const std::uint32_t most = dialect.own_server ? kMostTexts : dialect.max_texts;
  if (settings.batch_size > most) {
    return wrong("batch_size", std::to_string(settings.batch_size) + " is more than the " +
                                   std::to_string(most) + " texts that the API takes");
  }
  if (settings.in_flight > kMostInFlight) {
    return wrong("in_flight", "is more than " + std::to_string(kMostInFlight) + " at once");
  }
  if (settings.tokens_per_minute > 0 && settings.tokens_per_minute < kLeastTokens) {
    return wrong("tokens_per_minute",
                 std::to_string(settings.tokens_per_minute) +
                     " lets no text through that is longer than a sentence",
                 "it is a number per minute, " + std::to_string(kLeastTokens) + " at least");
  }
  if (settings.timeout > kLongest) return wrong("timeout", "is longer than an hour");
  return {};
}

}  // namespace

Status check_provider(const std::string& name, const ProviderSettings& settings) {
  VECMILL_TRY(check_api(name, settings));
  if (!settings.base_url.empty()) {
    if (Status fit = http::check_base_url(settings.base_url, settings.plain_http); !fit) {
      Error error = std::move(fit).error();
      error.where = "base_url";
      return error;
    }
  }
  if (!settings.key_env.empty() && !is_variable(settings.key_env)) {
    return wrong("key_env", "is not the name of a variable, which has A-Z, 0-9 and _ only",
                 "name the variable that holds the key, not the key");
  }
  if (!settings.price.empty() && !ledger::parse_price(settings.price)) {
    return wrong("price", "\"" + settings.price + "\" is no price",
                 "write it like 0.02: dollars per million tokens, 10000 at most");
  }
  const remote::Dialect& dialect = *remote::dialect_of(name, settings);
  for (const auto& [member, prompt] : {std::pair("query_prompt_name", settings.query_prompt_name),
                                       {"document_prompt_name", settings.document_prompt_name}}) {
    if (prompt.empty() || dialect.prompts_by_name) continue;
    return wrong(member, std::string(dialect.name) + " takes no names of prompts",
                 "leave it out; servers that speak tei do");
  }
  return check_limits(dialect, settings);
}

}  // namespace vecmill
