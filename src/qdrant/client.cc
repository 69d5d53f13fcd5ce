#include "vecmill/qdrant/client.h"

#include <thread>
#include <utility>

#include "vecmill/base/json_text.h"
#include "vecmill/base/percent.h"
#include "vecmill/http/api_client.h"
#include "vecmill/policy/retry.h"
#include "vecmill/policy/retry_after.h"
#include "vecmill/qdrant/point_id.h"

namespace vecmill::qdrant {
namespace {

using policy::Outcome;
using Read = std::function<Status(std::string_view)>;
using Clock = std::chrono::steady_clock;

constexpr Version kOldest{1, 12};
constexpr std::uint64_t kMostReplyBytes = std::uint64_t{64} << 20;
constexpr int kFull = 507;

struct Call {
  std::string method, path;
  std::string body = {};
  bool holds_rows = false;  ///< what the server says of it may quote them
};

/// How one try of a call ended.
struct End {
  Outcome outcome = Outcome::kSuccess;
  Error error;
  std::optional<policy::Duration> wait;
};

std::optional<policy::Duration> wanted_wait(const http::ApiReply& reply) {
  const auto date = policy::parse_http_date(http::find_header(reply.headers, "date"));
  return policy::parse_retry_after(
      http::find_header(reply.headers, "retry-after"),
      date.value_or(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())));
}

bool is_too_large(int status, std::string_view body) {
  return status == 413 ||
         (status == 400 && body.find("larger than allowed") != std::string_view::npos);
}

Outcome classify(const http::ApiReply& reply) {
  if (is_too_large(reply.status, reply.body)) return Outcome::kTooLarge;
  if (reply.status == kFull || reply.status == 409) return Outcome::kBadInput;
  return policy::classify(reply.status);
}

/// ["_vecmill"]: what to give of a payload.
std::string stamp_only() { return "[\"" + std::string(kStamp) + "\"]"; }

std::string points_json(std::span<const std::string> ids) {
  std::string out = "[";
  for (std::size_t i = 0; i < ids.size(); ++i) out += (i > 0 ? "," : "") + point_json(ids[i]);
  return out + "]";
}

/// A page of points; `payload` says what to give of theirs.
Call page_call(const std::string& path, const std::string& from, std::size_t limit,
               const std::string& payload) {
  std::string body = "{\"limit\":" + std::to_string(limit);
  if (!from.empty()) body += ",\"offset\":" + point_json(from);
  body += ",\"with_payload\":" + payload + ",\"with_vector\":false}";
  return {"POST", path, std::move(body), true};
}

struct Meaning {
  ErrorKind kind;
  const char* message;
  const char* hint;
};

Meaning meaning_of(Outcome outcome, int status) {
  if (status == kFull) {
    return {ErrorKind::kIo, "the server's storage is full", "make room, then go on with --resume"};
  }
  if (status == 404) return {ErrorKind::kNotFound, "the collection is not there", ""};
  switch (outcome) {
    case Outcome::kKeyRefused:
      return {ErrorKind::kAuth, "the server refuses the key, or wants one",
              "set QDRANT_API_KEY, or name a variable with key_env= or a file with key_file="};
    case Outcome::kThrottled: return {ErrorKind::kLimited, "the rate limit is reached", ""};
    case Outcome::kTooLarge: return {ErrorKind::kTooLong, "is too much for one request", ""};
    case Outcome::kBadInput: return {ErrorKind::kInvalidData, "the server refuses the request", ""};
    default: return {ErrorKind::kUnavailable, "the server failed", ""};
  }
}

}  // namespace

struct Client::State {
  State(Url given, Secret secret, ClientOptions wanted)
      : url(std::move(given)),
        key(std::move(secret)),
        options(std::move(wanted)),
        http(http_options()),
        random(static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())) {
    if (!options.wait) options.wait = [](auto time) { std::this_thread::sleep_for(time); };
  }

  [[nodiscard]] http::ApiClientOptions http_options() const {
    http::ApiClientOptions wanted;
    wanted.plain_host = url.plain_host;
    wanted.ca_file = url.ca_file;
    return wanted;
  }

  [[nodiscard]] std::string path(const std::string& below = {}) const {
    return "/collections/" + percent_encode(url.collection) + below;
  }

  /// Sends until it is answered as it must be, or there is no use in it.
  Status call(const Call& call, const Read& read) {
    policy::RetryOptions often;
    often.attempts = answered ? options.attempts : options.first_attempts;
    policy::Retry retry(often);
    policy::RetryBudget budget;  // there is never more than one request on its way
    for (;;) {
      End end = try_once(call, read);
      if (end.outcome == Outcome::kSuccess) {
        answered = true;
        return {};
      }
      const auto now = Clock::now();
      const auto at = retry.after(end.outcome, now, end.wait, random, budget);
      if (!at) return std::move(end.error);
      options.wait(*at - now);
    }
  }

  End try_once(const Call& call, const Read& read) {
    http::ApiRequest request;
    request.method = call.method;
    request.url = url.base + call.path;
    if (!call.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    if (!key.empty()) request.headers.push_back({"api-key", key.reveal()});
    request.body = call.body;
    request.max_bytes = kMostReplyBytes;
    request.deadline = options.deadline;
    const auto reply = http.send(std::move(request));
    if (!reply) return unanswered(reply.error());
    if (reply->status != 200) return refused(call, *reply);
    const Status understood = read(reply->body);
    if (understood) return {};
    return {Outcome::kTransient,
            make_error(ErrorKind::kUnavailable, understood.error().message, url.shown,
                       "is it Qdrant itself that answers there?"),
            {}};
  }

  [[nodiscard]] End unanswered(Error error) const {
    error.where = url.shown;
    switch (error.kind) {
      case ErrorKind::kUnavailable: return {Outcome::kTransient, std::move(error), {}};
      case ErrorKind::kInvalidData:
        error.kind = ErrorKind::kTooLong;
        return {Outcome::kTooLarge, std::move(error), {}};
      default: return {Outcome::kBadInput, std::move(error), {}};
    }
  }

  [[nodiscard]] End refused(const Call& call, const http::ApiReply& reply) const {
    const Outcome outcome = reply.status < 400 ? Outcome::kTransient : classify(reply);
    const Meaning meaning = meaning_of(outcome, reply.status);
    std::string message = std::string(meaning.message) + " (" + std::to_string(reply.status) + ")";
    const std::string said = call.holds_rows ? std::string() : said_in(reply.body);
    if (!said.empty() && (key.empty() || said.find(key.reveal()) == std::string::npos)) {
      message += ": " + said;
    }
    return {outcome, make_error(meaning.kind, message, url.shown, meaning.hint),
            wanted_wait(reply)};
  }

  /// A call whose reply is read into `out`.
  template <class T>
  Result<T> fetch(const Call& what, const std::function<Result<T>(std::string_view)>& parse) {
    T out{};
    VECMILL_TRY(call(what, [&](std::string_view body) -> Status {
      VECMILL_ASSIGN(out, parse(body));
      return {};
    }));
    return out;
  }

  Url url;
  Secret key;
  ClientOptions options;
  http::ApiClient http;
  policy::Random random;
  Version version;
  bool answered = false;
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(Url url, ClientOptions options) {
  VECMILL_ASSIGN(Secret key, find_key(url));
  Client client(std::make_unique<State>(std::move(url), std::move(key), std::move(options)));
  State& state = *client.state_;
  VECMILL_ASSIGN(state.version, state.fetch<Version>({"GET", "/"}, parse_version));
  if (state.version < kOldest) {
    return make_error(ErrorKind::kUnsupported,
                      "is Qdrant " + std::to_string(state.version.major) + "." +
                          std::to_string(state.version.minor) + "; 1.12 is the oldest that fits",
                      state.url.shown, "update the server");
  }
  return client;
}

const Url& Client::url() const { return state_->url; }
const Version& Client::version() const { return state_->version; }

Result<std::optional<Collection>> Client::describe() {
  auto found = state_->fetch<Collection>({"GET", state_->path()}, parse_collection);
  if (found) return std::optional<Collection>(*std::move(found));
  if (found.error().kind == ErrorKind::kNotFound) return std::optional<Collection>();
  return std::move(found).error();
}

Status Client::create(const std::string& body) {
  const Status made = state_->call({"PUT", state_->path(), body}, parse_ok);
  if (made) return {};
  // Another run made it, or this one did and was not told.
  VECMILL_ASSIGN(const auto found, describe());
  return found ? Status() : made;
}

Status Client::change(const std::string& body) {
  return state_->call({"PATCH", state_->path(), body}, parse_ok);
}

Status Client::write(std::span<const std::string> points) {
  std::string body = "{\"points\":[";
  for (std::size_t i = 0; i < points.size(); ++i) body += (i > 0 ? "," : "") + points[i];
  body += "]}";
  return state_->call({"PUT", state_->path("/points?wait=true"), std::move(body), true},
                      parse_done);
}

Result<std::vector<Point>> Client::retrieve(std::span<const std::string> ids, bool vectors) {
  std::string body =
      "{\"ids\":" + points_json(ids) + ",\"with_payload\":" + stamp_only() + ",\"with_vector\":";
  body += vectors ? "true}" : "false}";
  return state_->fetch<std::vector<Point>>(
      {"POST", state_->path("/points"), std::move(body), true},
      [](std::string_view reply) { return parse_points(reply); });
}

Result<Page> Client::scroll(const std::string& from, std::size_t limit,
                            const std::string& text_field) {
  return state_->fetch<Page>(page_call(state_->path("/points/scroll"), from, limit, "true"),
                             [&](std::string_view reply) { return parse_page(reply, text_field); });
}

Result<Page> Client::list(const std::string& from, std::size_t limit) {
  return state_->fetch<Page>(page_call(state_->path("/points/scroll"), from, limit, stamp_only()),
                             [](std::string_view reply) { return parse_page(reply, {}); });
}

Status Client::remove(std::span<const std::string> ids, const std::set<std::string>& text_hashes) {
  std::string hashes;
  for (const std::string& hash : text_hashes) {
    if (!hashes.empty()) hashes += ',';
    append_json_string(hashes, hash);
  }
  std::string body = "{\"filter\":{\"must\":[{\"has_id\":" + points_json(ids) + "},{\"key\":\"" +
                     std::string(kStamp) + ".text_hash\",\"match\":{\"any\":[" + hashes + "]}}]}}";
  return state_->call({"POST", state_->path("/points/delete?wait=true"), std::move(body), true},
                      parse_done);
}

Result<std::uint64_t> Client::count() {
  return state_->fetch<std::uint64_t>({"POST", state_->path("/points/count"), "{\"exact\":true}"},
                                      parse_count);
}

Result<std::vector<Scored>> Client::search(const std::string& query, const std::string& vector,
                                           std::size_t limit) {
  std::string body = "{\"query\":" + query + ",\"using\":";
  append_json_string(body, vector);
  body += ",\"limit\":" + std::to_string(limit) + ",\"with_payload\":" + stamp_only() +
          ",\"with_vector\":false}";
  return state_->fetch<std::vector<Scored>>(
      {"POST", state_->path("/points/query"), std::move(body), true}, parse_scored);
}

}  // namespace vecmill::qdrant
