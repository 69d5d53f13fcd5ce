#include "vecmill/redis/address.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "vecmill/base/percent.h"

namespace vecmill::redis {
namespace {

constexpr std::size_t kLongestUrl = 4096;

Error bad(std::string message) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), "the address of Redis",
                    "write it like redis://host:6379/0, rediss:// for TLS, unix:///path");
}

template <class Number>
std::optional<Number> number(std::string_view text, Number most) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

Status read_credentials(std::string_view text, Address& address) {
  const std::size_t colon = text.find(':');
  const auto user = percent_decode(text.substr(0, colon));
  const auto password =
      percent_decode(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  if (!user || !password) return bad("a '%' in user or password is no two hexadecimal digits");
  address.user = *user;
  address.password = Secret(*password);
  return {};
}

Status read_host(std::string_view text, Address& address) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad("a '[' is not closed");
    address.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad("the port is no number");
  } else {
    const std::size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  const bool is_clean = std::ranges::none_of(
      address.host, [](char c) { return c <= ' ' || c > '~' || c == '%' || c == '@' || c == '['; });
  if (address.host.empty() || !is_clean) return bad("names no host");
  if (port.empty()) return {};
  const auto value = number<std::uint16_t>(port.substr(1), 65535);
  if (!value || *value == 0) return bad("the port is no number from 1 to 65535");
  address.port = *value;
  return {};
}

}  // namespace

std::string Address::name() const {
  if (!socket.empty()) return "unix://" + socket;
  const bool is_v6 = host.find(':') != std::string::npos;
  return (tls ? "rediss://" : "redis://") + (is_v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

bool is_redis_url(std::string_view place) {
  return place.starts_with("redis://") || place.starts_with("rediss://") ||
         place.starts_with("unix://");
}

Result<Address> parse_address(std::string_view url) {
  Address address;
  if (url.size() > kLongestUrl) return bad("is longer than any address");
  if (std::ranges::any_of(url, [](char c) { return c < ' '; })) return bad("holds a line end");
  constexpr std::string_view kUnix = "unix://", kPlain = "redis://", kTls = "rediss://";
  if (url.starts_with(kUnix)) {
    address.socket = url.substr(kUnix.size());
    if (!address.socket.starts_with('/')) return bad("the path of a socket begins with '/'");
    return address;
  }
  address.tls = url.starts_with(kTls);
  if (!address.tls && !url.starts_with(kPlain)) return bad("begins with none of the known schemes");
  url.remove_prefix(address.tls ? kTls.size() : kPlain.size());
  const std::size_t at = url.rfind('@');
  if (at != std::string_view::npos) {
    VECMILL_TRY(read_credentials(url.substr(0, at), address));
    url.remove_prefix(at + 1);
  }
  const std::size_t slash = url.find('/');
  VECMILL_TRY(read_host(url.substr(0, slash), address));
  if (slash == std::string_view::npos || slash + 1 == url.size()) return address;
  const auto database = number<std::uint32_t>(url.substr(slash + 1), 1'000'000);
  if (!database) return bad("the database behind the '/' is no number");
  address.database = *database;
  return address;
}

}  // namespace vecmill::redis
