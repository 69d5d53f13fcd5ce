#include "vecmill/http/client.h"

#include <curl/curl.h>

#include <mutex>
#include <optional>

#include "vecmill/base/check.h"

namespace vecmill::http {
namespace {

/// Address without query and user, as it may stand in an error.
std::string shown(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = url.find("://") + 3;
  const std::size_t end = url.find('/', host);
  const std::size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

Status check(const Request& request) {
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return make_error(ErrorKind::kInvalidArgument, "is not an http or https address",
                      shown(request.url));
  }
  for (const Header& header : request.headers) {
    if ((header.name + header.value).find_first_of(std::string_view("\r\n\0", 3)) !=
        std::string::npos) {
      return make_error(ErrorKind::kInvalidArgument, "a header holds a line end",
                        shown(request.url));
    }
  }
  return {};
}

/// One request on its way.
struct Exchange {
  CURL* curl;
  const Request& request;
  const Receiver& receiver;
  const std::stop_token& stop;
  Reply reply;
  bool head_given = false;
  std::uint64_t body_bytes = 0;
  std::optional<Error> error;

  bool keep(Status status) {
    if (!status) error = std::move(status).error();
    return !error;
  }

  bool give_head() {
    if (head_given) return true;
    head_given = true;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    return !receiver.head || keep(receiver.head(reply));
  }

  bool give_body(std::string_view piece) {
    if (!give_head()) return false;
    body_bytes += piece.size();
    if (request.max_bytes > 0 && body_bytes > request.max_bytes) {
      return keep(
          make_error(ErrorKind::kInvalidData,
                     "the reply is longer than " + std::to_string(request.max_bytes) + " bytes",
                     shown(request.url)));
    }
    return !receiver.body || keep(receiver.body(piece));
  }
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  Reply& reply = static_cast<Exchange*>(user)->reply;
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) reply.headers.clear();  // the head of an interim reply came before
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    reply.headers.push_back(
        {std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
  }
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  return static_cast<Exchange*>(user)->give_body({data, size}) ? size : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->stop.stop_requested() ? 1 : 0;
}

Error failure(CURLcode code, const Exchange& exchange) {
  const std::string where = shown(exchange.request.url);
  if (exchange.stop.stop_requested())
    return make_error(ErrorKind::kCancelled, "interrupted", where);
  std::string what = curl_easy_strerror(code);
  if (code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) {
    what = "the connection was cut off (" + what + ")";
  }
  return make_error(ErrorKind::kUnavailable, what, where, "check the network and any proxy");
}

}  // namespace

struct Client::State {
  ClientOptions options;
  CURL* curl = nullptr;
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_->options = std::move(options);
  state_->curl = curl_easy_init();
  VECMILL_CHECK(state_->curl != nullptr);
}

Client::~Client() { curl_easy_cleanup(state_->curl); }

Result<Reply> Client::send(const Request& request, const Receiver& receiver) {
  VECMILL_TRY(check(request));
  const ClientOptions& options = state_->options;
  CURL* curl = state_->curl;
  Exchange exchange{curl, request, receiver, options.stop, {}, false, 0, {}};
  curl_easy_reset(curl);  // keeps the connections
  curl_slist* headers = nullptr;
  for (const Header& header : request.headers) {
    headers = curl_slist_append(headers, (header.name + ": " + header.value).c_str());
  }
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.method == "HEAD" ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "vecmill");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.deadline.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, options.min_bytes_per_second);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (exchange.error) return *std::move(exchange.error);
  if (code != CURLE_OK) return failure(code, exchange);
  if (!exchange.give_head()) return *std::move(exchange.error);
  return std::move(exchange.reply);
}

}  // namespace vecmill::http
