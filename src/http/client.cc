#include "vecmill/http/client.h"

#include <curl/curl.h>

#include <optional>

#include "vecmill/base/check.h"
#include "vecmill/http/curl_request.h"

namespace vecmill::http {
namespace {

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
  read_header({data, size}, static_cast<Exchange*>(user)->reply.headers);
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  return static_cast<Exchange*>(user)->give_body({data, size}) ? size : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->stop.stop_requested() ? 1 : 0;
}

}  // namespace

struct Client::State {
  ClientOptions options;
  CURL* curl = nullptr;
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
  start_curl();
  state_->options = std::move(options);
  state_->curl = curl_easy_init();
  VECMILL_CHECK(state_->curl != nullptr);
}

Client::~Client() { curl_easy_cleanup(state_->curl); }

Result<Reply> Client::send(const Request& request, const Receiver& receiver) {
  VECMILL_TRY(check_request(request.url, request.headers));
  const ClientOptions& options = state_->options;
  CURL* curl = state_->curl;
  Exchange exchange{curl, request, receiver, options.stop, {}, false, 0, {}};
  curl_easy_reset(curl);  // keeps the connections
  const HeaderList headers = header_list(request.headers);
  prepare(curl, request.url, headers.get(),
          {options.connect_timeout, request.deadline, options.stall_timeout,
           options.min_bytes_per_second});
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.method == "HEAD" ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  const CURLcode code = curl_easy_perform(curl);
  if (exchange.error) return *std::move(exchange.error);
  if (code != CURLE_OK && options.stop.stop_requested()) {
    return make_error(ErrorKind::kCancelled, "interrupted", shown(request.url));
  }
  if (code != CURLE_OK) return failure(curl, code, request.url);
  if (!exchange.give_head()) return *std::move(exchange.error);
  return std::move(exchange.reply);
}

}  // namespace vecmill::http
