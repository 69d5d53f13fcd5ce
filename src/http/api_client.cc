#include "vecmill/http/api_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/http/address.h"
#include "vecmill/http/curl_request.h"
#include "vecmill/http/reply_progress.h"

namespace vecmill::http {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxHeadBytes = 64 << 10;
constexpr milliseconds kLongestPoll{60'000};  // orders wake it up

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// One request on its way; stays where it is, because curl holds its address.
struct Transfer {
  ApiRequest request;
  ApiClient::Done done;
  HeaderList headers;
  ApiReply reply;
  std::size_t head_bytes = 0;
  ReplyProgress progress;
  std::optional<Error> error;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{nullptr, &curl_easy_cleanup};

  void end(Result<ApiReply> result, CURLcode code) {
    curl_off_t connected = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
    const Sent unsent = is_distrust(code) ? Sent::kNever : Sent::kNo;
    done(std::move(result), connected > 0 ? Sent::kYes : unsent);
    done = nullptr;
  }
};

long status_of(const Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.head_bytes += size;
  if (transfer.head_bytes > kMaxHeadBytes) {
    transfer.error = make_error(ErrorKind::kInvalidData, "the reply's head is too long",
                                shown(transfer.request.url));
    return 0;
  }
  read_header({data, size}, transfer.reply.headers);
  // An interim reply (102, 103) only says that the server still thinks.
  if (status_of(transfer) >= 200) transfer.progress.received(size);
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::uint64_t limit = transfer.request.max_bytes;
  if (limit > 0 && transfer.reply.body.size() + size > limit) {
    transfer.error = make_error(ErrorKind::kInvalidData,
                                "the reply is longer than " + std::to_string(limit) + " bytes",
                                shown(transfer.request.url));
    return 0;
  }
  transfer.reply.body.append(data, size);
  transfer.progress.received(size);
  return size;
}

void set_up(Transfer& transfer, const ApiClientOptions& options) {
  CURL* curl = transfer.curl.get();
  const ApiRequest& request = transfer.request;
  transfer.headers = header_list(request.headers);
  // A body goes at once, without asking first whether the server wants it.
  transfer.headers.reset(curl_slist_append(transfer.headers.release(), "Expect:"));
  prepare(curl, request.url, transfer.headers.get(),
          {options.connect_timeout, request.deadline, {}, 0});
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // The first requests wait for one handshake to show whether all can share a connection; without
  // TLS nothing shows it before the first reply.
  curl_easy_setopt(curl, CURLOPT_PIPEWAIT, request.url.starts_with("https://") ? 1L : 0L);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  // A key must not pass a proxy in the clear on its way to this very machine.
  if (is_loopback(host_of(request.url).value_or(""))) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
}

Result<ApiReply> result_of(Transfer& transfer, CURLcode code) {
  if (transfer.error) return *std::move(transfer.error);
  if (code != CURLE_OK) return failure(transfer.curl.get(), code, transfer.request.url);
  const long status = status_of(transfer);
  if (status >= 300 && status < 400) {
    return make_error(ErrorKind::kInvalidArgument, "the server sends us to another address",
                      shown(transfer.request.url), "name the final address");
  }
  transfer.reply.status = static_cast<int>(status);
  return std::move(transfer.reply);
}

Error stalled(const Transfer& transfer) {
  return make_error(ErrorKind::kUnavailable, "the reply stopped in the middle",
                    shown(transfer.request.url), "check the network and any proxy");
}

Error interrupted(const Transfer& transfer) {
  return make_error(ErrorKind::kCancelled, "interrupted", shown(transfer.request.url));
}

}  // namespace

std::string_view find_header(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (std::ranges::equal(header.name, name, {}, lower, lower)) return header.value;
  }
  return {};
}

struct ApiClient::State {
  using Running = std::map<CallId, std::unique_ptr<Transfer>>;

  explicit State(ApiClientOptions given) : options(std::move(given)) {
    start_curl();
    multi = curl_multi_init();
    VECMILL_CHECK(multi != nullptr);
    thread = std::thread([this] { run(); });
  }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    curl_multi_wakeup(multi);
    thread.join();
    curl_multi_cleanup(multi);
  }

  [[nodiscard]] Status check(const ApiRequest& request) const {
    VECMILL_TRY(check_request(request.url, request.headers));
    const auto host = host_of(request.url);
    if (!host) {
      return make_error(ErrorKind::kInvalidArgument, "is not an address", shown(request.url));
    }
    if (request.url.starts_with("http://") && !is_loopback(*host) && *host != options.plain_host) {
      return make_error(ErrorKind::kInvalidArgument,
                        "http:// would show key and texts to the network", shown(request.url),
                        "use https://");
    }
    return {};
  }

  void run() {
    while (take_orders()) {
      int active = 0;
      curl_multi_perform(multi, &active);
      end_finished();
      const milliseconds wait = end_stalled();
      curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
    }
    while (!running.empty()) end_early(running.begin(), interrupted);
  }

  /// False: there will be no more.
  bool take_orders() {
    Running fresh;
    std::vector<CallId> unwanted;
    bool go_on = true;
    {
      const std::lock_guard lock(mutex);
      fresh.swap(arriving);
      unwanted.swap(cancelled);
      go_on = !stopping;
    }
    for (auto& [id, transfer] : fresh) {
      transfer->curl.reset(curl_easy_init());
      VECMILL_CHECK(transfer->curl != nullptr);
      set_up(*transfer, options);
      curl_multi_add_handle(multi, transfer->curl.get());
      running.emplace(id, std::move(transfer));
    }
    for (const CallId id : unwanted) {
      if (const auto it = running.find(id); it != running.end()) end_early(it, interrupted);
    }
    return go_on;
  }

  void end_finished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto it = std::ranges::find_if(running, [&](const auto& entry) {
        return entry.second->curl.get() == message->easy_handle;
      });
      const auto transfer = take(it);
      transfer->end(result_of(*transfer, code), code);
    }
  }

  /// When the next of them may be due.
  milliseconds end_stalled() {
    milliseconds wait = kLongestPoll;
    const auto now = std::chrono::steady_clock::now();
    for (auto it = running.begin(); it != running.end();) {
      const auto current = it++;
      const auto left =
          current->second->progress.left(now, options.stall_timeout, options.stall_bytes);
      if (!left) continue;
      if (*left <= milliseconds(0)) {
        end_early(current, stalled);
      } else {
        wait = std::min(wait, *left);
      }
    }
    return wait;
  }

  void end_early(Running::iterator it, Error (*why)(const Transfer&)) {
    const auto transfer = take(it);
    transfer->end(why(*transfer), CURLE_OK);
  }

  std::unique_ptr<Transfer> take(Running::iterator it) {
    auto transfer = std::move(it->second);
    running.erase(it);
    curl_multi_remove_handle(multi, transfer->curl.get());
    return transfer;
  }

  const ApiClientOptions options;
  CURLM* multi = nullptr;
  Running running;  // of the thread only

  std::mutex mutex;  // over what follows
  Running arriving;
  std::vector<CallId> cancelled;
  CallId next = 1;
  bool stopping = false;
  std::thread thread;
};

ApiClient::ApiClient(ApiClientOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}

ApiClient::~ApiClient() = default;

ApiClient::CallId ApiClient::start(ApiRequest request, Done done) {
  if (auto status = state_->check(request); !status) {
    done(std::move(status).error(), Sent::kNo);
    return 0;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  CallId id = 0;
  {
    const std::lock_guard lock(state_->mutex);
    id = state_->next++;
    state_->arriving.emplace(id, std::move(transfer));
  }
  curl_multi_wakeup(state_->multi);
  return id;
}

void ApiClient::cancel(CallId call) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->cancelled.push_back(call);
  }
  curl_multi_wakeup(state_->multi);
}

Result<ApiReply> ApiClient::send(ApiRequest request, const std::stop_token& stop) {
  // Shared: the one who waits may be gone before `set_value` has returned.
  const auto reply = std::make_shared<std::promise<Result<ApiReply>>>();
  auto future = reply->get_future();
  const CallId call = start(std::move(request), [reply](Result<ApiReply> got, Sent) {
    reply->set_value(std::move(got));
  });
  const std::stop_callback on_stop(stop, [&] { cancel(call); });
  return future.get();
}

}  // namespace vecmill::http
