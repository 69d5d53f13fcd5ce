#include "vecmill/hub/hub_client.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <thread>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/hub/blob_hash.h"

namespace vecmill::hub {
namespace {

using std::chrono::milliseconds;

constexpr int kMostRedirects = 5;
constexpr std::chrono::seconds kDeadline{120};  // of what is small
constexpr milliseconds kFirstWait{1000}, kLongestWait{60'000};

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

/// "https://host:port" of an address.
std::string_view origin_of(std::string_view url) {
  return url.substr(0, url.find_first_of("/?#", url.find("://") + 3));
}

std::string resolve(std::string_view base, std::string_view location) {
  if (location.find("://") != std::string_view::npos) return std::string(location);
  if (location.starts_with("//")) {
    return std::string(base.substr(0, base.find(':') + 1)).append(location);
  }
  if (location.starts_with('/')) return std::string(origin_of(base)).append(location);
  base = base.substr(0, base.find_first_of("?#"));
  return std::string(base.substr(0, base.rfind('/') + 1)).append(location);
}

bool is_redirect(const HttpReply& reply) {
  constexpr int kRedirects[] = {301, 302, 303, 307, 308};
  return std::find(std::begin(kRedirects), std::end(kRedirects), reply.status) !=
             std::end(kRedirects) &&
         !reply.header("Location").empty();
}

std::optional<milliseconds> retry_after(const HttpReply& reply) {
  const std::string_view text = reply.header("Retry-After");
  long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::min(kLongestWait, milliseconds(std::min(seconds, 3600L) * 1000));
}

/// `W/"abc"` → `abc`.
std::string plain_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  return std::string(etag);
}

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && !text.empty() && end == text.data() + text.size();
}

HttpRequest request_for(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.headers.push_back(
      {"Accept-Encoding", "identity"});  // hashes are of the bytes as they are
  return request;
}

bool may_pass(const Error& error) {
  return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kLimited;
}

}  // namespace

std::string_view HttpReply::header(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (same_text(header.name, name)) return header.value;
  }
  return {};
}

std::string HubClient::url(std::string_view path) const {
  VECMILL_CHECK(path.starts_with('/'));
  return options_.hub.endpoint + std::string(path);
}

Result<std::string> HubClient::get(const std::string& url, std::uint64_t max_bytes) {
  std::string text;
  const auto attempt = [&]() -> Status {
    text.clear();
    HttpReceiver receiver;
    receiver.body = [&](std::string_view piece) -> Status {
      text += piece;
      return {};
    };
    HttpRequest request = request_for(url);
    request.max_bytes = max_bytes;
    request.deadline = kDeadline;
    VECMILL_ASSIGN(const Answer answer, follow(std::move(request), receiver));
    if (answer.reply.status == 200) return {};
    return error_of(answer);
  };
  VECMILL_TRY(persist(attempt, [] { return std::uint64_t{0}; }));
  return text;
}

Status HubClient::get_once(const std::string& url, std::uint64_t first,
                           const HttpReceiver& receiver) {
  HttpRequest request = request_for(url);
  if (first > 0) request.headers.push_back({"Range", "bytes=" + std::to_string(first) + "-"});
  VECMILL_ASSIGN(const Answer answer, follow(std::move(request), receiver));
  const int status = answer.reply.status;
  if (status == 200 || (status == 206 && first > 0)) return {};
  return error_of(answer);
}

Result<ListedFile> HubClient::describe(const std::string& url) {
  ListedFile file;
  const auto attempt = [&]() -> Status {
    HttpRequest request = request_for(url);
    request.head = true;
    request.deadline = kDeadline;
    VECMILL_ASSIGN(const Answer answer, follow(std::move(request), {}));
    const HttpReply& reply = answer.reply;
    const bool stored_elsewhere = is_redirect(reply);  // then only the X-Linked headers count
    if (reply.status != 200 && !stored_elsewhere) return error_of(answer);
    const auto header = [&](std::string_view linked, std::string_view plain) {
      const std::string_view value = reply.header(linked);
      return value.empty() && !stored_elsewhere ? reply.header(plain) : value;
    };
    file.id = plain_etag(header("X-Linked-Etag", "ETag"));
    if (is_blob_id(file.id) && read_number(header("X-Linked-Size", "Content-Length"), file.bytes)) {
      return {};
    }
    return make_error(ErrorKind::kInvalidData, "does not say the size and hash of a file", url,
                      "check HF_ENDPOINT: it must answer as the Hugging Face Hub does");
  };
  VECMILL_TRY(persist(attempt, [] { return std::uint64_t{0}; }));
  return file;
}

bool HubClient::is_endpoint(std::string_view url) const {
  return same_text(origin_of(url), origin_of(options_.hub.endpoint));
}

/// The token goes to the endpoint alone: never on to another host, and not back from there either.
/// A HEAD is about what the endpoint knows and stays there.
Result<HubClient::Answer> HubClient::follow(HttpRequest request, const HttpReceiver& receiver) {
  const std::vector<HttpHeader> headers = request.headers;
  bool trusted = !options_.hub.token.empty();
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    trusted = trusted && is_endpoint(request.url);
    request.headers = headers;
    if (trusted) request.headers.push_back({"Authorization", "Bearer " + options_.hub.token});
    bool wanted = false;
    HttpReceiver here;
    here.head = [&](const HttpReply& reply) -> Status {
      wanted = reply.status == 200 || reply.status == 206;
      return wanted && receiver.head ? receiver.head(reply) : Status{};
    };
    here.body = [&](std::string_view piece) { return wanted ? receiver.body(piece) : Status{}; };
    VECMILL_ASSIGN(HttpReply reply, transport_.send(request, here));
    if (!is_redirect(reply)) return Answer{std::move(reply), std::move(request.url)};
    std::string next = resolve(request.url, reply.header("Location"));
    if (request.head && !is_endpoint(next)) return Answer{std::move(reply), std::move(request.url)};
    if (request.url.starts_with("https:") && !next.starts_with("https:")) {
      return make_error(ErrorKind::kInvalidData,
                        "is redirected to an address that is not encrypted",
                        std::string(origin_of(request.url)));
    }
    request.url = std::move(next);
  }
  return make_error(ErrorKind::kInvalidData, "is redirected without end",
                    std::string(origin_of(request.url)));
}

Error HubClient::error_of(const Answer& answer) const {
  const HttpReply& reply = answer.reply;
  const std::string where(answer.url.substr(0, answer.url.find('?')));  // signatures stand behind
  const std::string_view code = reply.header("X-Error-Code");
  const std::string status = "the Hub answered " + std::to_string(reply.status);
  const std::string page = options_.hub.endpoint + "/" + options_.name;
  const bool refused = reply.status == 401 || reply.status == 403;
  if (refused && !is_endpoint(answer.url)) {  // its address was for a while only: ask for another
    return make_error(ErrorKind::kUnavailable,
                      "the Hub's storage answered " + std::to_string(reply.status), where,
                      "try again later");
  }
  if (code == "GatedRepo") {
    return make_error(ErrorKind::kAuth, "is only for those who accept its terms", options_.name,
                      "accept them at " + page + " and set HF_TOKEN to your token");
  }
  if (code == "RevisionNotFound") {
    return make_error(ErrorKind::kNotFound, "has no such revision", options_.name,
                      "see the branches at " + page + "/tree/main");
  }
  if (reply.status == 404 || code == "RepoNotFound") {
    return make_error(ErrorKind::kNotFound, "is not on the Hub, or is private", options_.name,
                      "check the spelling; for a private model set HF_TOKEN");
  }
  if (refused) {
    return make_error(ErrorKind::kAuth, status, where, "check the token in HF_TOKEN");
  }
  const bool limited = reply.status == 429;
  const bool transient = limited || reply.status == 408 || reply.status >= 500;
  Error error = make_error(limited     ? ErrorKind::kLimited
                           : transient ? ErrorKind::kUnavailable
                                       : ErrorKind::kInvalidData,
                           status, where, transient ? "try again later" : "");
  error.retry_after = retry_after(reply);
  return error;
}

Status HubClient::persist(const std::function<Status()>& attempt,
                          const std::function<std::uint64_t()>& progress) {
  std::uint64_t seen = progress();
  milliseconds pause = kFirstWait;
  for (int failed = 0;;) {
    Status status = attempt();
    if (status || !may_pass(status.error())) return status;
    if (progress() > seen) {
      seen = progress();
      failed = 0;
      pause = kFirstWait;
    }
    if (++failed >= options_.attempts) return status;
    wait(std::max(pause, status.error().retry_after.value_or(pause)));
    pause = std::min(kLongestWait, 2 * pause);
  }
}

void HubClient::wait(milliseconds time) const {
  if (options_.sleep) {
    options_.sleep(time);
  } else {
    std::this_thread::sleep_for(time);
  }
}

}  // namespace vecmill::hub
