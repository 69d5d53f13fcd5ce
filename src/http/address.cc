#include "vecmill/http/address.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "vecmill/http/curl_request.h"

namespace vecmill::http {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

/// Empty where the address has no such part.
std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

/// Null: it is no address.
Url parse(const std::string& text) {
  Url url(curl_url(), &curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error wrong(std::string message, std::string hint) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), {}, std::move(hint));
}

}  // namespace

std::optional<std::string> host_of(const std::string& url) {
  const Url parts = parse(url);
  if (!parts) return {};
  std::string host = part_of(parts, CURLUPART_HOST);
  if (host.empty()) return {};
  std::ranges::transform(host, host.begin(), lower);
  return host;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

Status check_url(const std::string& url, bool plain) {
  if (url.starts_with('/') || url.starts_with('.') || url.starts_with('~') ||
      url.starts_with("file:")) {
    return wrong("is a path, not an address", "write it like https://host.example/v1");
  }
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return wrong("is not an https:// address", "write it like https://host.example/v1");
  }
  const Url parts = parse(url);
  if (!parts) return wrong("is not an address", "write it like https://host.example/v1");
  if (!part_of(parts, CURLUPART_USER).empty() || !part_of(parts, CURLUPART_PASSWORD).empty()) {
    return wrong("holds a user or a password, which would end up in reports",
                 "leave it out; a key belongs into key_env or key_file");
  }
  if (url.starts_with("http://") && !plain && !is_loopback(host_of(url).value_or(""))) {
    return wrong("http:// would show key and texts to the network",
                 "use https://, or plain_http = true where the network is yours");
  }
  return {};
}

Status check_base_url(const std::string& url, bool plain) {
  VECMILL_TRY(check_url(url, plain));
  // An empty query is one too: what comes behind the address would become its value.
  if (url.find_first_of("?#") == std::string::npos) return {};
  return wrong("holds a query or a fragment", "end it where the path ends");
}

}  // namespace vecmill::http
