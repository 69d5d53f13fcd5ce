#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "vecmill/hub/hub_listing.h"
#include "vecmill/hub/pull.h"
#include "vecmill/hub/transport.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// Requests to a Hub: the token and who may see it, redirects, status codes, further attempts.
class HubClient {
 public:
  HubClient(const PullOptions& options, Transport& transport)
      : options_(options), transport_(transport) {}

  /// `path` below the endpoint, starting with '/'.
  [[nodiscard]] std::string url(std::string_view path) const;

  /// A small document.
  ///   errors  as pull
  Result<std::string> get(const std::string& url, std::uint64_t max_bytes);

  /// What the Hub says about a file before it sends it.
  ///   errors  as pull; kInvalidData when it gives no hash
  Result<ListedFile> describe(const std::string& url);

  /// One attempt at the bytes from `first` on. The receiver sees only a reply that has them, or all
  /// (status 200 though `first` > 0).
  ///   errors  as pull; kUnavailable and kLimited may pass
  Status get_once(const std::string& url, std::uint64_t first, const HttpReceiver& receiver);

  /// Calls `attempt` until it succeeds, fails for good, or has failed so often in a row without
  /// `progress` (a count that grows) that there is no hope.
  Status persist(const std::function<Status()>& attempt,
                 const std::function<std::uint64_t()>& progress);

 private:
  struct Answer {
    HttpReply reply;
    std::string url;  ///< where the redirects led
  };
  Result<Answer> follow(HttpRequest request, const HttpReceiver& receiver);
  [[nodiscard]] bool is_endpoint(std::string_view url) const;
  [[nodiscard]] Error error_of(const Answer& answer) const;
  void wait(std::chrono::milliseconds time) const;

  const PullOptions& options_;
  Transport& transport_;
};

}  // namespace vecmill::hub
