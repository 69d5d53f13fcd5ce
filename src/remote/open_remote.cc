#include "vecmill/remote/open_remote.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "vecmill/base/json_text.h"
#include "vecmill/remote/guarded_provider.h"

namespace vecmill::remote {
namespace {

constexpr std::uint64_t kUnknownRequestTokens = 100'000;
/// TEI takes 2 MB at most; others take more.
constexpr std::uint64_t kRequestBytes = 1'500'000;
/// Ollama's has a model's licence and template in it, and maybe its vocabulary.
constexpr std::uint64_t kMaxDescription = 64 << 20;

/// What the server says of its model, where it says anything. Nothing waits for this but the start:
/// it is asked once.
Status ask_for_description(RemoteModel& model, const Secret& key, http::ApiClient& client) {
  const About about = model.dialect->about;
  if (about == About::kNothing) return {};
  http::ApiRequest request;
  request.headers = request_headers(*model.dialect, key);
  request.max_bytes = kMaxDescription;
  request.deadline = std::chrono::seconds(30);
  request.url = model.base_url + (about == About::kTeiInfo ? "/info" : "/api/show");
  if (about == About::kTeiInfo) {
    request.method = "GET";
  } else {
    request.body = R"({"model":)";
    append_json_string(request.body, model.name);
    request.body += '}';
  }
  VECMILL_ASSIGN(const http::ApiReply reply, client.send(request));
  if (reply.status != 200) return classify_failure(model, reply, {}, key).error;
  auto self = read_self_description(about, reply.body);
  if (!self) {
    if (self.error().where.empty()) self.error().where = request.url;
    return std::move(self).error();
  }
  model.self = *std::move(self);
  if (model.self.dims > 0 && model.dims == 0) model.known_dims = model.self.dims;
  return {};
}

/// A prompt for documents is rare; one for queries is what many models were trained with.
bool drops_role(const RemoteModel& model, Role role) {
  return model.dialect->prompts_by_name && role == Role::kQuery && model.query_prompt.empty();
}

Describe describe_as(const RemoteModel& model, const SpaceOf& space_of) {
  return [model, space_of](const EmbedOptions& options) {
    Capabilities result;
    result.space.space = space_of(model, role_name(model, options.role), options.truncate);
    result.space.arithmetic = "api/1";
    result.space.model = full_name(model);
    result.space.dims = model.expected_dims();
    result.max_tokens =
        std::max(find_model(model.dialect->name, model.name).max_tokens, model.self.max_tokens);
    result.remote = true;
    if (drops_role(model, options.role)) {
      result.note = full_name(model) +
                    " gets queries like any other text; if the model has a prompt for them, set "
                    "providers." +
                    provider_name(model) + ".query_prompt_name to its name";
    }
    return result;
  };
}

/// What has limits of its own.
Secret identity_of(const RemoteModel& model, const Secret& key) {
  return Secret(model.base_url + "\n" + model.name + "\n" + key.reveal());
}

}  // namespace

DispatcherOptions dispatcher_options(const RemoteModel& model, const RemoteOptions& wanted) {
  const Dialect& dialect = *model.dialect;
  const ProviderSettings& said = wanted.provider;
  const KnownModel known = find_model(dialect.name, model.name);
  const auto first = [](auto a, auto b, auto c) { return a > 0 ? a : (b > 0 ? b : c); };
  const SelfDescription& self = model.self;
  const std::uint32_t taken = self.max_texts > 0 ? self.max_texts : dialect.max_texts;
  const std::uint32_t texts = wanted.max_request_texts > 0 ? wanted.max_request_texts : taken;
  // A guess of ours is no limit for a server that says nothing of its own.
  const bool guessed = dialect.own_server && self.max_texts == 0;
  DispatcherOptions options;
  options.patience = wanted.patience;
  options.breaker.open_for = wanted.ask_again;
  options.batch = {guessed ? texts : std::min(texts, taken),
                   first(std::max(known.max_request_tokens, self.max_request_tokens),
                         dialect.max_tokens, kUnknownRequestTokens),
                   kRequestBytes};
  options.requests_per_minute =
      first(said.requests_per_minute, known.requests_per_minute, dialect.requests_per_minute);
  options.tokens_per_minute =
      first(said.tokens_per_minute, known.tokens_per_minute, dialect.tokens_per_minute);
  options.inputs_per_minute =
      said.inputs_per_minute > 0 ? said.inputs_per_minute : dialect.inputs_per_minute;
  if (said.in_flight > 0) options.in_flight = said.in_flight;
  // On a processor of one's own a request that a vendor answers in a second may take minutes.
  if (dialect.own_server) options.timeout.most = std::chrono::seconds(120);
  if (said.timeout > std::chrono::seconds(0)) {
    options.timeout.most = said.timeout;
    options.timeout.least = std::min(options.timeout.least, options.timeout.most);
  }
  options.meters_bytes = dialect.meters_bytes;
  options.seed = std::random_device()();
  return options;
}

bool in_one_space(std::string_view name, std::string_view other) {
  const auto family = [](std::string_view model) {
    const Dialect* dialect = find_dialect(model.substr(0, model.find(':')));
    if (dialect == nullptr) return std::pair<std::string_view, std::string_view>();
    const KnownModel known = find_model(dialect->name, model.substr(model.find(':') + 1));
    return std::pair(known.dialect, known.family);
  };
  return !family(name).second.empty() && family(name) == family(other);
}

Result<std::unique_ptr<Provider>> open_remote(const RemoteOptions& options,
                                              const Environment& environment,
                                              const SpaceOf& space_of,
                                              const VocabularyOf& vocabulary_of) {
  VECMILL_ASSIGN(Endpoint endpoint,
                 find_endpoint(options.name, options.dims, options.provider, environment));
  RemoteModel& model = endpoint.model;
  if (model.name.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "names no model", options.name,
                      "write it behind the colon: voyage:voyage-code-3");
  }
  http::ApiClientOptions http;
  http.plain_host = endpoint.plain_host;
  const auto client = std::make_shared<http::ApiClient>(http);
  if (model.known_dims == 0) model.known_dims = options.known_dims;
  if (Status asked = ask_for_description(model, endpoint.key, *client); !asked) {
    // What TEI says is part of the space; of the others something is known without it.
    const bool can_wait = options.known_dims > 0 && model.dialect->about != About::kTeiInfo;
    if (!can_wait || asked.error().kind != ErrorKind::kUnavailable) return std::move(asked).error();
  }
  const Vocabulary known = vocabulary_of ? vocabulary_of(*model.dialect, model.name) : Vocabulary();
  DispatcherOptions dispatching = dispatcher_options(model, options);
  dispatching.sends_tokens = known.tokens && takes_tokens(model);
  const auto shared =
      options.share_of ? options.share_of(identity_of(model, endpoint.key), dispatching) : nullptr;
  const auto open = [&] {
    return make_guarded_provider(make_remote_api(model, endpoint.key, client, known.tokens),
                                 dispatching, describe_as(model, space_of),
                                 {options.spending, known.count, shared});
  };
  if (model.expected_dims() == 0) {
    VECMILL_ASSIGN(const auto probe, open());
    const std::string_view text = "How long is a vector?";
    EmbedOptions asked;
    asked.role = Role::kQuery;  // somebody waits for it
    VECMILL_ASSIGN(const Embedding found, std::move(probe->embed({&text, 1}, asked).front()));
    model.known_dims = static_cast<std::uint32_t>(found.vector.size());
  }
  return open();
}

}  // namespace vecmill::remote
