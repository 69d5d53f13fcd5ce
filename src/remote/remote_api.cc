#include "vecmill/remote/remote_api.h"

#include <charconv>
#include <mutex>
#include <utility>

#include "vecmill/remote/reply.h"
#include "vecmill/remote/reply_check.h"

namespace vecmill::remote {
namespace {

/// Of a reply: its frame, and each component as a number with 24 characters.
constexpr std::uint64_t kReplyBytes = 64 << 10;
constexpr std::uint64_t kBytesPerComponent = 24;
constexpr std::uint64_t kMostDims = 8192;
/// No request has more: a reply that says so says nothing.
constexpr std::uint64_t kMostTokens = 1'000'000'000;

CallResult result_of(Failure failure) {
  CallResult result;
  result.outcome = failure.outcome;
  result.error = std::move(failure.error);
  result.settings = failure.settings;
  result.retry_after = failure.retry_after;
  if (failure.billed_nothing) result.billed = Billed::kNo;
  return result;
}

/// 0: it is none.
std::uint64_t read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

/// A reply tells only the sum: each text is given its share by bytes.
void share_tokens(std::uint64_t tokens, std::span<const std::string_view> texts,
                  std::vector<Embedding>& embeddings) {
  double all = 0, so_far = 0;
  for (const std::string_view text : texts) all += static_cast<double>(text.size() + 1);
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    so_far += static_cast<double>(texts[i].size() + 1);
    const auto upto = static_cast<std::uint64_t>(static_cast<double>(tokens) * so_far / all);
    embeddings[i].tokens = static_cast<std::uint32_t>(upto - given);
    given = upto;
  }
}

bool is_web_page(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string_view::npos && body[first] == '<';
}

/// No text is to blame for it.
Error web_page(const RemoteModel& model) {
  return make_error(ErrorKind::kUnavailable, "answers with a web page, not with vectors",
                    provider_name(model) + " at " + model.base_url,
                    "is this the address of the API, or of something in front of it?");
}

class HttpRemoteApi final : public RemoteApi {
 public:
  HttpRemoteApi(RemoteModel model, Secret key, std::shared_ptr<http::ApiClient> client,
                TokensOf tokens_of)
      : model_(std::move(model)),
        key_(std::make_shared<const Secret>(std::move(key))),
        client_(std::move(client)),
        tokens_of_(std::move(tokens_of)) {
    const bool renamed = find_model(model_.dialect->name, model_.name).renamed;
    if (model_.dialect->names_model && !renamed) name_->value = model_.name;
  }

  [[nodiscard]] const RemoteModel& model() const override { return model_; }

  void start(std::span<const std::string_view> texts, Role role, policy::Duration timeout,
             Done done) override {
    http::ApiRequest request;
    request.url = request_url(model_);
    request.headers = request_headers(*model_.dialect, *key_);
    request.body = request_body(model_, texts, role, cheaper_tokens(model_, texts, tokens_of_));
    request.deadline = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    const std::uint64_t dims = model_.expected_dims() > 0 ? model_.expected_dims() : kMostDims;
    request.max_bytes = kReplyBytes + texts.size() * (dims * kBytesPerComponent + 256);
    client_->start(std::move(request),
                   [model = model_, key = key_, name = name_, done = std::move(done),
                    copies = std::vector<std::string>(texts.begin(), texts.end())](
                       Result<http::ApiReply> reply, http::Sent sent) {
                     done(reply ? read(model, *reply, copies, *key, *name)
                                : result_of(transport_failure(reply.error(), sent)));
                   });
  }

 private:
  /// The name under which the model answers: known, or that of the first reply.
  struct AnswersAs {
    std::mutex mutex;
    std::string value;
  };

  static CallResult read(const RemoteModel& model, const http::ApiReply& reply,
                         const std::vector<std::string>& copies, const Secret& key,
                         AnswersAs& name) {
    const std::vector<std::string_view> texts(copies.begin(), copies.end());
    const std::lock_guard lock(name.mutex);
    std::string answered;
    CallResult result = read_result(model, reply, texts, key, name.value, &answered);
    if (result.outcome == policy::Outcome::kSuccess && name.value.empty()) name.value = answered;
    return result;
  }

  const RemoteModel model_;
  const std::shared_ptr<const Secret> key_;
  const std::shared_ptr<http::ApiClient> client_;
  const TokensOf tokens_of_;
  const std::shared_ptr<AnswersAs> name_ = std::make_shared<AnswersAs>();
};

}  // namespace

CallResult read_result(const RemoteModel& model, const http::ApiReply& reply,
                       std::span<const std::string_view> texts, const Secret& key,
                       std::string_view name, std::string* answered_as) {
  CallResult result;
  if (reply.status != 200) {
    result = result_of(classify_failure(model, reply, texts, key));
    result.rates = rate_readings(*model.dialect, reply.headers);
    return result;
  }
  result.rates = rate_readings(*model.dialect, reply.headers);
  auto parsed = parse_reply(model.dialect->shape, reply.body, texts.size());
  if (parsed && !model.dialect->shape.tokens_header.empty()) {
    parsed->tokens =
        read_number(http::find_header(reply.headers, model.dialect->shape.tokens_header));
  }
  if (parsed && parsed->tokens > kMostTokens) parsed->tokens = 0;
  if (parsed && parsed->tokens > 0) {
    result.billed = Billed::kYes;
    result.tokens = parsed->tokens;
  }
  Status status =
      parsed ? check_reply(*parsed, {texts, model.expected_dims(), name}) : parsed.error();
  if (!status) {
    result.error = std::move(status).error();
    result.error->where = provider_name(model);
    if (is_web_page(reply.body)) result.error = web_page(model);
    return result;
  }
  result.outcome = policy::Outcome::kSuccess;
  if (result.tokens == 0) result.billed = Billed::kUncounted;
  result.embeddings.resize(texts.size());
  for (Reply::Row& row : parsed->rows) {
    result.embeddings[row.index].vector = std::move(row.vector);
  }
  share_tokens(parsed->tokens, texts, result.embeddings);
  if (answered_as != nullptr) *answered_as = std::move(parsed->model);
  return result;
}

std::unique_ptr<RemoteApi> make_remote_api(RemoteModel model, Secret key,
                                           std::shared_ptr<http::ApiClient> client,
                                           TokensOf tokens_of) {
  return std::make_unique<HttpRemoteApi>(std::move(model), std::move(key), std::move(client),
                                         std::move(tokens_of));
}

}  // namespace vecmill::remote
