#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "vecmill/doctor.h"
#include "vecmill/engine/finding_teller.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/engine/spending.h"
#include "vecmill/policy/retry_after.h"
#include "vecmill/remote/remote_api.h"

namespace vecmill {
namespace {

using engine::FindingTeller;
using remote::CallResult;
using remote::Endpoint;
using std::chrono::seconds;

constexpr std::string_view kWord = "vecmill";
constexpr seconds kPatience{30};
constexpr seconds kSkew{60};

void tell_clock(const FindingTeller& teller, const http::ApiReply& reply) {
  const auto theirs = policy::parse_http_date(http::find_header(reply.headers, "date"));
  if (!theirs) return teller.good("clock", "the server tells no time");
  const seconds ahead = std::chrono::floor<seconds>(std::chrono::system_clock::now()) - *theirs;
  const std::string apart = std::to_string(std::abs(ahead.count())) + " s apart from the server's";
  if (ahead <= kSkew && ahead >= -kSkew) return teller.good("clock", apart);
  teller.wrong("clock", make_error(ErrorKind::kInvalidArgument, apart, {},
                                   "set this machine's clock: budgets and waits go by it"));
}

/// Asks the address for nothing, without the key: free, and any reply shows that it is there.
bool find_server(const FindingTeller& teller, const Endpoint& endpoint, http::ApiClient& client) {
  http::ApiRequest request;
  request.url = endpoint.model.base_url + std::string(endpoint.model.dialect->path);
  request.headers = remote::request_headers(*endpoint.model.dialect, Secret());
  request.body = "{}";
  request.deadline = kPatience;
  request.max_bytes = 1 << 20;
  const auto start = std::chrono::steady_clock::now();
  const auto reply = client.send(std::move(request));
  if (!reply) {
    const std::string& what = reply.error().message;
    const bool tls = what.find("SSL") != what.npos || what.find("certificate") != what.npos;
    teller.wrong(tls ? "tls" : "address", reply.error());
    return false;
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  teller.good("address",
              endpoint.model.base_url + " answers in " + std::to_string(took.count()) + " ms");
  teller.good("tls", endpoint.model.base_url.starts_with("https://")
                         ? "the certificate is good"
                         : "none, as is allowed for this host");
  tell_clock(teller, *reply);
  return true;
}

/// One request with one word, on record in the ledger; nothing when it may not be sent.
std::optional<CallResult> ask(const FindingTeller& teller, remote::RemoteApi& api,
                              engine::ModelSpending& spending, seconds timeout) {
  const std::span texts(&kWord, 1);
  const std::uint64_t most = remote::most_tokens(api.model(), kWord);
  const remote::Spending::Request request{texts, Role::kDocument, most, {&most, 1}};
  const auto answer = spending.intend(request);
  if (!answer || answer->refusal) {
    teller.wrong("cost", answer ? *answer->refusal : answer.error());
    return std::nullopt;
  }
  if (!answer->payment) {
    teller.wrong("cost", make_error(ErrorKind::kLimited, "the budget has no money for it now"));
    return std::nullopt;
  }
  // Shared: the one who waits may be gone before `set_value` has returned.
  const auto end = std::make_shared<std::promise<CallResult>>();
  auto result = end->get_future();
  api.start(texts, Role::kDocument, timeout,
            [end](CallResult got) { end->set_value(std::move(got)); });
  CallResult got = result.get();
  spending.settle(*answer->payment, got.billed, got.tokens);
  return got;
}

void tell_failure(const FindingTeller& teller, const CallResult& got) {
  switch (got.outcome) {
    case policy::Outcome::kKeyRefused: return teller.wrong("key", *got.error);
    case policy::Outcome::kThrottled: return teller.wrong("limits", *got.error);
    case policy::Outcome::kBadInput: return teller.wrong("model", *got.error);
    default: {
      Error error = *got.error;  // no text is to blame: it is the server
      if (error.kind == ErrorKind::kInvalidData) error.kind = ErrorKind::kUnavailable;
      return teller.wrong("reply", error);
    }
  }
}

void tell_limits(const FindingTeller& teller, const CallResult& got,
                 const ProviderSettings& settings) {
  std::string text;
  for (const remote::RateReading& rate : got.rates) {
    text += (text.empty() ? "" : ", ") + std::to_string(rate.remaining) + " " +
            policy::name(rate.unit) + " left";
  }
  const auto add = [&](const char* what, std::uint32_t count) {
    if (count > 0) text += (text.empty() ? "" : "; ") + std::string(what) + std::to_string(count);
  };
  if (text.empty()) text = "the server tells none";
  add("requests_per_minute = ", settings.requests_per_minute);
  add("tokens_per_minute = ", settings.tokens_per_minute);
  teller.good("limits", text);
}

/// What the model costs for the one word, before it is sent.
Result<std::shared_ptr<engine::ModelSpending>> tell_cost(const FindingTeller& teller,
                                                         const ModelOptions& options,
                                                         const ProviderSettings& settings,
                                                         const remote::RemoteModel& model) {
  const SpendOptions spend = engine::spend_options(options, settings);
  VECMILL_ASSIGN(auto spending,
                 engine::ModelSpending::open(spend, options.model, model.expected_dims()));
  VECMILL_ASSIGN(const auto price, engine::price_of(spend, model.provider, model.name));
  const std::uint64_t most = remote::most_tokens(model, kWord);
  teller.good("cost", "asking for one word costs up to $" +
                          ledger::format_dollars(ledger::cost_of(most, price.per_million)));
  return spending;
}

void examine_model(const FindingTeller& teller, const ModelOptions& options,
                   const ProviderSettings& settings, Endpoint endpoint,
                   std::shared_ptr<http::ApiClient> client) {
  const remote::RemoteModel model = endpoint.model;
  const auto spending = tell_cost(teller, options, settings, model);
  if (!spending) return teller.wrong("cost", spending.error());
  const auto api = remote::make_remote_api(model, std::move(endpoint.key), std::move(client));
  const seconds timeout = settings.timeout > seconds(0) ? settings.timeout : kPatience;
  const auto got = ask(teller, *api, **spending, timeout);
  if (!got) return;
  if (got->outcome != policy::Outcome::kSuccess) return tell_failure(teller, *got);
  teller.good("key", model.key_from + " is accepted");
  teller.good("model", "answers as " + model.name);
  teller.good("dims", std::to_string(got->embeddings.front().vector.size()) +
                          (model.expected_dims() > 0 ? ", as expected" : ""));
  tell_limits(teller, *got, settings);
}

/// Under which name a trouble with finding the endpoint is told.
const char* name_of(const Error& error) {
  return error.kind == ErrorKind::kInvalidArgument ? "settings" : "key";
}

}  // namespace

Status examine_remote(const ModelOptions& options,
                      const std::function<void(const RemoteFinding&)>& tell) {
  if (!engine::is_remote(options)) {
    return make_error(ErrorKind::kInvalidArgument, "is not the name of a remote model",
                      options.model, "write it like voyage:voyage-code-3");
  }
  const bool named = !options.model.ends_with(':');
  const FindingTeller teller(
      named ? options.model : options.model.substr(0, options.model.size() - 1), tell);
  const auto settings = engine::remote_settings(options);
  if (!settings) {
    teller.wrong("settings", settings.error());
    return {};
  }
  auto endpoint =
      remote::find_endpoint(options.model, settings->dims, *settings, engine::environment_value);
  if (!endpoint) {
    teller.wrong(name_of(endpoint.error()), endpoint.error());
    return {};
  }
  http::ApiClientOptions http;
  http.plain_host = endpoint->plain_host;
  const auto client = std::make_shared<http::ApiClient>(http);
  if (!find_server(teller, *endpoint, *client)) return {};
  if (named) {
    examine_model(teller, options, *settings, *std::move(endpoint), client);
  } else {
    teller.good("key", endpoint->key.empty() ? "none" : endpoint->model.key_from + " is there",
                "name a model to try it: --model " + options.model + "NAME");
  }
  return {};
}

}  // namespace vecmill
