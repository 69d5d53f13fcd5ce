#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::http {

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method = "GET";  ///< or "HEAD"
  std::string url = {};        ///< absolute; http or https
  std::vector<Header> headers = {};
  std::uint64_t max_bytes = 0;            ///< a longer body is an error; 0: no limit
  std::chrono::milliseconds deadline{0};  ///< for all of it; 0: none
};

struct Reply {
  int status = 0;
  std::vector<Header> headers;
};

/// What a reply is given to, in this order. An Error from either ends the request with it.
struct Receiver {
  std::function<Status(const Reply&)> head;      ///< once, before the body
  std::function<Status(std::string_view)> body;  ///< any number of times
};

struct ClientOptions {
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{30};  ///< at less than min_bytes_per_second
  long min_bytes_per_second = 100;
  std::stop_token stop;
};

/// Requests over one kept connection per host. Redirects are replies like any other, certificates
/// are checked, proxies are those of the environment (HTTPS_PROXY, NO_PROXY, ...). For one thread.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();

  ///   errors  kInvalidArgument (not an http address, a line end in a header), kUnavailable (no
  ///           connection, timeout, cut off: what the receiver got is good), kInvalidData (the body
  ///           is longer than max_bytes), kCancelled, and what the receiver returned
  Result<Reply> send(const Request& request, const Receiver& receiver);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vecmill::http
