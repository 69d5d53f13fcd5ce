#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/http/client.h"
#include "vecmill/result.h"

namespace vecmill::http {

/// Address without query and user, as it may stand in an error.
[[nodiscard]] std::string shown(std::string_view url);

/// To be called before any other function of curl's.
void start_curl();

///   errors  kInvalidArgument: not an http or https address, a line end in a header
Status check_request(std::string_view url, std::span<const Header> headers);

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;
[[nodiscard]] HeaderList header_list(std::span<const Header> headers);

/// Adds one line of a reply's head to its headers.
void read_header(std::string_view line, std::vector<Header>& headers);

struct Patience {
  std::chrono::milliseconds connect, deadline;  ///< 0: none
  std::chrono::seconds stall;                   ///< at less than that, also before it begins
  long min_bytes_per_second;
};

/// What each of our requests has in common: address, headers, time limits, no redirects. TLS trusts
/// whom the system trusts, or those in the file that SSL_CERT_FILE names.
void prepare(CURL* curl, const std::string& url, curl_slist* headers, const Patience& patience);

/// What is to be said of a request that curl gave up: kUnavailable; kIo: whom to trust cannot be
/// read.
[[nodiscard]] Error failure(CURL* curl, CURLcode code, std::string_view url);

/// Whether the next request will fail for the same reason: TLS, and nothing was sent.
[[nodiscard]] bool is_distrust(CURLcode code);

}  // namespace vecmill::http
