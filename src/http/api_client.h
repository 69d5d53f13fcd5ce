#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/http/client.h"
#include "vecmill/result.h"

namespace vecmill::http {

struct ApiRequest {
  std::string method = "POST";  ///< or "PUT", "PATCH"; "GET", without a body
  std::string url = {};         ///< absolute
  std::vector<Header> headers = {};
  std::string body = {};
  std::uint64_t max_bytes = 0;            ///< a longer reply is an error; 0: no limit
  std::chrono::milliseconds deadline{0};  ///< for all of it; 0: none
};

struct ApiReply {
  int status = 0;  ///< never a redirect
  std::vector<Header> headers;
  std::string body;
};

/// The value of a header, whatever the case of its name; empty when it is not there.
[[nodiscard]] std::string_view find_header(const std::vector<Header>& headers,
                                           std::string_view name);

/// Whether a byte of a request may have reached the server.
enum class Sent : std::uint8_t {
  kNo,
  kYes,
  kNever,  ///< nor will one: who answers there is not to be trusted
};

struct ApiClientOptions {
  std::chrono::seconds connect_timeout{10};
  /// A reply that has begun brings so many bytes in each such while. How long a server may think
  /// before it begins is bounded by the deadline only.
  std::chrono::milliseconds stall_timeout{30'000};
  std::uint64_t stall_bytes = 30;
  std::string plain_host;  ///< may be spoken to without TLS; loopback always may
  std::string ca_file;     ///< whom TLS trusts; empty: whom the system trusts
};

/// Any number of small requests at once, on one thread of its own: kept connections, HTTP/2 where
/// a server offers it, certificates checked, proxies of the environment (never for loopback),
/// redirects refused, because a key must not follow them.
class ApiClient {
 public:
  using CallId = std::uint64_t;
  using Done = std::function<void(Result<ApiReply>, Sent)>;

  explicit ApiClient(ApiClientOptions options = {});
  /// Ends what is under way with kCancelled.
  ~ApiClient();

  /// `done` is called once, on the client's thread or, for a request that cannot be one, in here;
  /// it must not wait for anything.
  ///   errors  kInvalidArgument (no such address, http:// to another machine, a line end in a
  ///           header, a redirect), kUnavailable (no connection, not in time, cut off, a
  ///           certificate that is not good), kIo (SSL_CERT_FILE cannot be read), kInvalidData
  ///           (longer than max_bytes), kCancelled
  CallId start(ApiRequest request, Done done);

  /// Ends a request with kCancelled; nothing happens if it is done.
  void cancel(CallId call);

  /// Waits for the reply.
  Result<ApiReply> send(ApiRequest request, const std::stop_token& stop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vecmill::http
