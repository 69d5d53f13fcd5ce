#include "vecmill/remote/open_remote.h"

#include <algorithm>
#include <random>
#include <utility>

#include "vecmill/remote/guarded_provider.h"

namespace vecmill::remote {
namespace {

constexpr std::uint64_t kUnknownRequestTokens = 100'000;
/// TEI takes 2 MB at most; others take more.
constexpr std::uint64_t kRequestBytes = 1'500'000;

const Dialect* dialect_of(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? nullptr : find_dialect(name.substr(0, colon));
}

/// VOYAGE_API_KEY → VOYAGE_BASE_URL
std::string address_variable(const Dialect& dialect) {
  const std::string_view key = dialect.key_variable;
  return std::string(key.substr(0, key.size() - std::string_view("API_KEY").size())) + "BASE_URL";
}

Result<Secret> key_of(const Dialect& dialect, const Environment& environment) {
  const std::string variable(dialect.key_variable);
  std::string key = environment(variable);
  if (key.empty() && dialect.key_needed) {
    return make_error(ErrorKind::kAuth, "there is no key", std::string(dialect.name),
                      "export " + variable + "=...");
  }
  if (std::ranges::any_of(key, [](char c) { return c <= ' ' || c > '~'; })) {
    return make_error(ErrorKind::kAuth, "the key holds what no key holds: a space, a line end ...",
                      variable, "set it again, without what stands around it");
  }
  return Secret(std::move(key));
}

Result<RemoteModel> model_of(const RemoteOptions& options, const Secret& key,
                             const Environment& environment) {
  const std::string& name = options.name;
  const std::uint32_t dims = options.dims;
  const Dialect& dialect = *dialect_of(name);
  const std::string vendors = default_base_url(dialect, key);
  RemoteModel model{.dialect = &dialect,
                    .base_url = environment(address_variable(dialect)),
                    .name = name.substr(name.find(':') + 1),
                    .dims = dims};
  if (model.name.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "names no model", name,
                      "write it behind the colon: voyage:voyage-code-3");
  }
  if (model.base_url.empty()) model.base_url = vendors;
  while (model.base_url.ends_with('/')) model.base_url.pop_back();
  model.at_vendor = model.base_url == vendors;
  if (model.base_url.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "the address of the API is not known", name,
                      "export " + address_variable(dialect) + "=https://.../v1");
  }
  const KnownModel known = find_model(dialect.name, model.name);
  if (dims > 0 && known.dims > 0 && dims != known.dims && !known.flexible) {
    return make_error(ErrorKind::kInvalidArgument,
                      "has vectors of " + std::to_string(known.dims) + " components only", name,
                      "leave out --dims");
  }
  model.known_dims = known.dims;
  return model;
}

DispatcherOptions options_of(const RemoteModel& model, std::uint32_t max_request_texts) {
  const Dialect& dialect = *model.dialect;
  const KnownModel known = find_model(dialect.name, model.name);
  const auto first = [](auto a, auto b, auto c) { return a > 0 ? a : (b > 0 ? b : c); };
  const std::uint32_t wished = max_request_texts > 0 ? max_request_texts : dialect.max_texts;
  DispatcherOptions options;
  options.batch = {std::min(wished, dialect.max_texts),
                   first(known.max_request_tokens, dialect.max_tokens, kUnknownRequestTokens),
                   kRequestBytes};
  options.requests_per_minute = first(known.requests_per_minute, dialect.requests_per_minute, 0U);
  options.tokens_per_minute = first(known.tokens_per_minute, dialect.tokens_per_minute, 0U);
  options.meters_bytes = dialect.meters_bytes;
  options.seed = std::random_device()();
  return options;
}

Describe describe_as(const RemoteModel& model, const SpaceOf& space_of) {
  return [model, space_of](const EmbedOptions& options) {
    Capabilities result;
    result.space.space = space_of(model, role_name(*model.dialect, options.role));
    result.space.arithmetic = "api/1";
    result.space.model = std::string(model.dialect->name) + ":" + model.name;
    result.space.dims = model.expected_dims();
    result.max_tokens = find_model(model.dialect->name, model.name).max_tokens;
    result.remote = true;
    return result;
  };
}

/// What has limits of its own.
Secret identity_of(const RemoteModel& model, const Secret& key) {
  return Secret(model.base_url + "\n" + model.name + "\n" + key.reveal());
}

CountTokens counter_for(const RemoteModel& model, const CounterOf& counter_of) {
  const std::string_view vocabulary = find_model(model.dialect->name, model.name).vocabulary;
  return counter_of && !vocabulary.empty() ? counter_of(vocabulary) : CountTokens();
}

}  // namespace

bool is_remote(std::string_view name) { return dialect_of(name) != nullptr; }

Result<std::unique_ptr<Provider>> open_remote(const RemoteOptions& options,
                                              const Environment& environment,
                                              const SpaceOf& space_of,
                                              const CounterOf& counter_of) {
  if (!is_remote(options.name)) {
    return make_error(ErrorKind::kInvalidArgument, "is not the name of a remote model",
                      options.name, "write it like voyage:voyage-code-3");
  }
  VECMILL_ASSIGN(const Secret key, key_of(*dialect_of(options.name), environment));
  VECMILL_ASSIGN(RemoteModel model, model_of(options, key, environment));
  http::ApiClientOptions http;
  http.plain_host = environment("VECMILL_PLAIN_HTTP_HOST");
  const auto client = std::make_shared<http::ApiClient>(http);
  const DispatcherOptions limits = options_of(model, options.max_request_texts);
  const auto shared =
      options.share_of ? options.share_of(identity_of(model, key), limits) : nullptr;
  const auto open = [&] {
    return make_guarded_provider(make_remote_api(model, key, client), limits,
                                 describe_as(model, space_of),
                                 {options.spending, counter_for(model, counter_of), shared});
  };
  if (model.expected_dims() == 0) {
    VECMILL_ASSIGN(const auto probe, open());
    const std::string_view text = "How long is a vector?";
    VECMILL_ASSIGN(const Embedding found, std::move(probe->embed({&text, 1}, {}).front()));
    model.known_dims = static_cast<std::uint32_t>(found.vector.size());
  }
  return open();
}

}  // namespace vecmill::remote
