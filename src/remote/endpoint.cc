#include "vecmill/remote/endpoint.h"

#include <algorithm>
#include <utility>

#include "vecmill/base/private_file.h"
#include "vecmill/http/address.h"

namespace vecmill {
namespace {
constexpr std::string_view kKey = "API_KEY";
}

std::vector<std::string_view> remote_apis() {
  std::vector<std::string_view> names;
  for (const remote::Dialect& dialect : remote::dialects()) names.push_back(dialect.name);
  return names;
}

ProviderVariables provider_variables(const std::string& name, const ProviderSettings& settings) {
  std::string key;
  if (const remote::Dialect* dialect = remote::find_dialect(name)) {
    key = dialect->key_variable;
  } else {
    for (const char c : name + "_") {
      key += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : (c == '-' ? '_' : c);
    }
    key += kKey;
  }
  const std::string address = key.substr(0, key.size() - kKey.size()) + "BASE_URL";
  return {settings.key_env.empty() ? key : settings.key_env, address};
}

namespace remote {
namespace {

constexpr std::string_view kMongoDb = "https://ai.mongodb.com/";
constexpr std::string_view kVoyage = "https://api.voyageai.com/";

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

struct Key {
  Secret value;
  std::string from;  ///< its variable or its file
};

Result<Key> key_of(const std::string& provider, const Dialect& dialect,
                   const ProviderSettings& settings, const Environment& environment) {
  Key key{{}, provider_variables(provider, settings).key};
  std::string text = environment(key.from);
  if (text.empty() && !settings.key_file.empty()) {
    VECMILL_ASSIGN(text, read_private_file(settings.key_file, "it holds the key of " + provider));
    while (!text.empty() && is_blank(text.back())) text.pop_back();
    key.from = settings.key_file;
    if (text.empty()) return make_error(ErrorKind::kAuth, "there is no key in it", key.from);
  }
  if (text.empty() && (dialect.key_needed || !settings.key_env.empty())) {
    return make_error(ErrorKind::kAuth, "there is no key", provider, "export " + key.from + "=...");
  }
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; })) {
    return make_error(ErrorKind::kAuth, "the key holds what no key holds: a space, a line end ...",
                      key.from, "set it again, without what stands around it");
  }
  key.value = Secret(std::move(text));
  return key;
}

/// Voyage and MongoDB serve the same models and refuse each other's keys.
Status check_host(const RemoteModel& model, const Secret& key) {
  if (model.dialect->name != "voyage" || key.empty()) return {};
  const bool mongo_key = key.reveal().starts_with("al-");
  if (!(model.base_url + "/").starts_with(mongo_key ? kVoyage : kMongoDb)) return {};
  return make_error(ErrorKind::kAuth,
                    mongo_key ? "the key is one of MongoDB's (al-...), the address Voyage's own"
                              : "the key is none of MongoDB's (al-...), the address is",
                    model.key_from, "leave the address out: it is found by the key");
}

struct Address {
  std::string url, from;
};

Address address_of(const std::string& provider, const ProviderSettings& settings,
                   const Environment& environment) {
  const std::string variable = provider_variables(provider, settings).base_url;
  if (std::string url = environment(variable); !url.empty()) return {std::move(url), variable};
  return {settings.base_url, provider};
}

Status check_dims(const RemoteModel& model, const KnownModel& known) {
  if (model.dims == 0 || known.dims == 0 || model.dims == known.dims || known.flexible) return {};
  return make_error(ErrorKind::kInvalidArgument,
                    "has vectors of " + std::to_string(known.dims) + " components only",
                    full_name(model), "leave out --dims");
}

}  // namespace

const Dialect* dialect_of(std::string_view provider, const ProviderSettings& settings) {
  return find_dialect(settings.api.empty() ? provider : std::string_view(settings.api));
}

Result<Endpoint> find_endpoint(const std::string& name, std::uint32_t dims,
                               const ProviderSettings& settings, const Environment& environment) {
  const std::size_t colon = name.find(':');
  const std::string provider = name.substr(0, colon);
  const Dialect* dialect = dialect_of(provider, settings);
  if (dialect == nullptr || colon == std::string::npos) {
    return make_error(ErrorKind::kInvalidArgument, "is not the name of a remote model", name,
                      "write it like voyage:voyage-code-3");
  }
  VECMILL_ASSIGN(Key key, key_of(provider, *dialect, settings, environment));
  const std::string vendors = default_base_url(*dialect, key.value);
  Address address = address_of(provider, settings, environment);
  if (address.url.empty()) address.url = vendors;
  if (address.url.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "the address of the API is not known", name,
                      "export " + provider_variables(provider, settings).base_url +
                          "=https://.../v1, or set providers." + provider + ".base_url");
  }
  Endpoint found;
  found.plain_host = settings.plain_http ? http::host_of(address.url).value_or("")
                                         : environment("VECMILL_PLAIN_HTTP_HOST");
  const bool plain =
      !found.plain_host.empty() && http::host_of(address.url) == std::optional(found.plain_host);
  if (Status fit = http::check_base_url(address.url, plain); !fit) {
    Error error = std::move(fit).error();
    error.where = address.from;
    return error;
  }
  while (address.url.ends_with('/')) address.url.pop_back();
  RemoteModel& model = found.model;
  model.dialect = dialect;
  model.base_url = address.url;
  model.at_vendor = address.url == vendors;
  model.name = name.substr(colon + 1);
  model.dims = dims;
  model.provider = provider;
  model.key_from = key.from;
  model.query_prompt = settings.query_prompt_name;
  model.document_prompt = settings.document_prompt_name;
  const KnownModel known = find_model(dialect->name, model.name);
  VECMILL_TRY(check_dims(model, known));
  VECMILL_TRY(check_host(model, key.value));
  model.known_dims = known.dims;
  found.key = std::move(key.value);
  return found;
}

}  // namespace remote
}  // namespace vecmill
