#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

struct HttpHeader {
  std::string name;  ///< compared without regard to case
  std::string value;
};

struct HttpRequest {
  bool head = false;  ///< HEAD instead of GET
  std::string url;    ///< absolute
  std::vector<HttpHeader> headers;
  std::uint64_t max_bytes = 0;       ///< a longer body is an error; 0: no limit
  std::chrono::seconds deadline{0};  ///< for all of it; 0: none
};

struct HttpReply {
  int status = 0;
  std::vector<HttpHeader> headers;

  /// The first header of that name; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// What a reply is given to, in this order. An Error from either ends the request with it.
struct HttpReceiver {
  std::function<Status(const HttpReply&)> head;  ///< once, before the body
  std::function<Status(std::string_view)> body;  ///< any number of times
};

/// The network as the hub sees it; the engine puts an HTTP client behind it. Redirects are replies
/// like any other: they are not followed.
class Transport {
 public:
  virtual ~Transport() = default;

  ///   errors  kUnavailable (no connection, timeout, cut off: what the receiver got so far is
  ///   good),
  ///           kCancelled, and whatever the receiver returned
  virtual Result<HttpReply> send(const HttpRequest& request, const HttpReceiver& receiver) = 0;
};

}  // namespace vecmill::hub
