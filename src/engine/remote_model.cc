#include "vecmill/engine/remote_model.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/engine/spending.h"

namespace vecmill::engine {
namespace {

const ProviderSettings kNothing;

std::string provider_of(const std::string& model) { return model.substr(0, model.find(':')); }

const ProviderSettings& said_of(const ModelOptions& options) {
  const auto found = options.remote.providers.find(provider_of(options.model));
  return found == options.remote.providers.end() ? kNothing : found->second;
}

const remote::Dialect* find(const ModelOptions& options) {
  if (options.model.find(':') == std::string::npos) return nullptr;
  return remote::dialect_of(provider_of(options.model), said_of(options));
}

/// The first one that is set.
template <class Value>
Value first(const Value& a, const Value& b, const Value& c = {}) {
  return a != Value{} ? a : (b != Value{} ? b : c);
}

}  // namespace

bool is_remote(const ModelOptions& options) { return find(options) != nullptr; }

const remote::Dialect& dialect_of(const ModelOptions& options) {
  const remote::Dialect* dialect = find(options);
  VECMILL_CHECK(dialect != nullptr);
  return *dialect;
}

Result<ProviderSettings> remote_settings(const ModelOptions& options) {
  const std::string provider = provider_of(options.model);
  const ProviderSettings& own = said_of(options);
  if (Status fit = check_provider(provider, own); !fit) {
    Error error = std::move(fit).error();
    error.where = "providers." + provider + "." + error.where;
    return error;
  }
  const ProviderSettings& top = options.remote.strongest;
  ProviderSettings all = own;
  all.requests_per_minute = first(top.requests_per_minute, own.requests_per_minute);
  all.tokens_per_minute = first(top.tokens_per_minute, own.tokens_per_minute);
  all.in_flight = first(top.in_flight, own.in_flight);
  all.timeout = first(top.timeout, own.timeout);
  all.batch_size = first(top.batch_size, own.batch_size, options.max_request_texts);
  all.dims = first(top.dims, own.dims, options.dims);
  all.price = first(top.price, own.price, options.spend.price);
  ProviderSettings limits = all;
  limits.batch_size = 0;  // more than a request takes is what --batch-size may say
  if (Status fit = check_provider(provider, limits); !fit) {
    Error error = std::move(fit).error();
    std::ranges::replace(error.where, '_', '-');
    error.where.insert(0, "--");
    return error;
  }
  return all;
}

SpendOptions spend_options(const ModelOptions& options, const ProviderSettings& settings) {
  SpendOptions spend = options.spend;
  spend.price = settings.price;
  const std::string_view api = dialect_of(options).name;
  const std::string model = options.model.substr(options.model.find(':') + 1);
  if (spend.price.empty() && api != provider_of(options.model)) {
    if (const auto price = price_of(spend, std::string(api), model)) {
      spend.price = ledger::format_dollars(price->per_million);
    }
  }
  return spend;
}

std::string provider_names(const ModelOptions& options) {
  std::string names;
  const auto add = [&](std::string_view name) {
    names += (names.empty() ? "" : ", ") + std::string(name) + ":";
  };
  for (const std::string_view api : remote_apis()) add(api);
  for (const auto& [name, settings] : options.remote.providers) {
    if (remote::find_dialect(name) == nullptr) add(name);
  }
  return names;
}

std::string environment_value(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

}  // namespace vecmill::engine
