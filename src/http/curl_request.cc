#include "vecmill/http/curl_request.h"

#include <mutex>

namespace vecmill::http {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

}  // namespace

std::string shown(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = url.find("://") + 3;
  const std::size_t end = url.find('/', host);
  const std::size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Status check_request(std::string_view url, std::span<const Header> headers) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return make_error(ErrorKind::kInvalidArgument, "is not an http or https address", shown(url));
  }
  for (const Header& header : headers) {
    if ((header.name + header.value).find_first_of(std::string_view("\r\n\0", 3)) !=
        std::string::npos) {
      return make_error(ErrorKind::kInvalidArgument, "a header holds a line end", shown(url));
    }
  }
  return {};
}

HeaderList header_list(std::span<const Header> headers) {
  curl_slist* list = nullptr;
  for (const Header& header : headers) {
    list = curl_slist_append(list, (header.name + ": " + header.value).c_str());
  }
  return HeaderList(list);
}

void read_header(std::string_view line, std::vector<Header>& headers) {
  if (line.starts_with("HTTP/")) headers.clear();  // the head of an interim reply came before
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  headers.push_back(
      {std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
}

void prepare(CURL* curl, const std::string& url, curl_slist* headers, const Patience& patience) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "vecmill");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience.connect.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.deadline.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, patience.min_bytes_per_second);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(patience.stall.count()));
}

Error failure(CURLcode code, std::string_view url) {
  std::string what = curl_easy_strerror(code);
  if (code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) {
    what = "the connection was cut off (" + what + ")";
  }
  return make_error(ErrorKind::kUnavailable, what, shown(url), "check the network and any proxy");
}

}  // namespace vecmill::http
