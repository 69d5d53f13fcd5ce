#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/base/secret.h"
#include "vecmill/result.h"

namespace vecmill::redis {

/// Where a server is, and as whom to speak to it.
struct Address {
  std::string host;
  std::string socket;  ///< path of a unix socket; then there is no host
  std::uint16_t port = 6379;
  bool tls = false;
  std::uint32_t database = 0;
  std::string user;  ///< empty: the default user
  Secret password;

  /// For messages: without user and password.
  [[nodiscard]] std::string name() const;
};

/// Whether it is meant to be such an address: "redis://", "rediss://", "unix://".
[[nodiscard]] bool is_redis_url(std::string_view place);

/// redis://[[user]:password@]host[:port][/database], rediss:// with TLS, unix:///path of a socket.
/// Parts of user and password are percent-encoded; a host of IPv6 stands in brackets.
///   errors  kInvalidArgument, which never repeats what was given: there may be a password in it
Result<Address> parse_address(std::string_view url);

}  // namespace vecmill::redis
