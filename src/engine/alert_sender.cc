#include "vecmill/engine/alert_sender.h"

#include <chrono>
#include <cstdlib>
#include <utility>

#include "vecmill/base/hmac.h"
#include "vecmill/http/address.h"
#include "vecmill/http/api_client.h"

namespace vecmill::engine {
namespace {

using std::chrono::milliseconds;

constexpr int kTries = 3;
constexpr milliseconds kPause{100};  // doubled for each further try
constexpr milliseconds kDeadline{3'000};
constexpr milliseconds kPatience{5'000};  // at the end of a run, for all that is left
constexpr std::uint64_t kMostReply = 64 << 10;

/// Without the path, which is a secret where chat services are told.
std::string host_of(const std::string& url) {
  const std::size_t start = url.find("//") + 2;
  const std::string host = url.substr(start, url.find_first_of("/?#", start) - start);
  return host.substr(host.find('@') == std::string::npos ? 0 : host.find('@') + 1);
}

/// Another try may do better.
bool is_passing(const Result<http::ApiReply>& reply) {
  if (!reply) return reply.error().kind == ErrorKind::kUnavailable;
  return reply->status == 429 || reply->status >= 500;
}

}  // namespace

Result<std::unique_ptr<AlertSender>> AlertSender::open(AlertOptions options) {
  std::unique_ptr<AlertSender> sender(new AlertSender(std::move(options)));
  const std::string& webhook = sender->options_.webhook;
  const std::string& secret_env = sender->options_.secret_env;
  if (webhook.empty()) return sender;
  if (Status fit = http::check_url(webhook, false); !fit) {
    return make_error(ErrorKind::kInvalidArgument, fit.error().message, "alert_webhook",
                      "write it like https://example.com/alerts; http:// is for this machine only");
  }
  if (!secret_env.empty()) {
    const char* secret = std::getenv(secret_env.c_str());
    if (secret == nullptr || *secret == '\0') {
      return make_error(ErrorKind::kAuth, "the secret of the webhook is not in the environment",
                        secret_env, "set it, or leave out alert_secret_env");
    }
    sender->secret_ = secret;
  }
  return sender;
}

AlertSender::~AlertSender() {
  if (!worker_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return waiting_.empty(); });
  }
  worker_.request_stop();
}

void AlertSender::send(const SpendAlert& alert) {
  if (options_.tell) options_.tell(alert);
  if (options_.webhook.empty()) return;
  const std::lock_guard lock(mutex_);
  waiting_.push_back(alert.json);
  if (!worker_.joinable()) {
    worker_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }
  changed_.notify_all();
}

bool AlertSender::is_behind() {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

void AlertSender::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    const std::string body = waiting_.front();
    lock.unlock();
    const Status sent = post(body, stop);
    if (!sent) note(sent.error().to_string());
    lock.lock();
    waiting_.pop_front();
    changed_.notify_all();
  }
}

Status AlertSender::post(const std::string& body, const std::stop_token& stop) {
  http::ApiClient client;
  http::ApiRequest request;
  request.url = options_.webhook;
  request.body = body;
  request.max_bytes = kMostReply;
  request.deadline = kDeadline;
  for (int tries = 1;; ++tries) {
    request.headers = {{"Content-Type", "application/json"}};
    if (!secret_.empty()) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      const std::string time =
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
      request.headers.push_back({"X-Vecmill-Timestamp", time});
      request.headers.push_back(
          {"X-Vecmill-Signature", "sha256=" + hmac_sha256_hex(secret_, time + "." + body)});
    }
    const auto reply = client.send(request, stop);
    if (reply && reply->status / 100 == 2) return {};
    if (tries == kTries || !is_passing(reply) || stop.stop_requested()) {
      return make_error(
          ErrorKind::kUnavailable,
          "the alert did not arrive: " + (reply ? "HTTP " + std::to_string(reply->status)
                                                : std::string(name(reply.error().kind))),
          host_of(options_.webhook), "see alert_webhook in vecmill.toml");
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kPause * (1 << tries), [] { return false; });
  }
}

}  // namespace vecmill::engine
