#include "vecmill/http/curl_request.h"

#include <openssl/x509_vfy.h>

#include <cstdlib>
#include <mutex>

namespace vecmill::http {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

/// In words of our own: what a certificate says is the other side's.
Error bad_certificate(long verified, std::string_view url) {
  const auto error = [&](std::string what, const char* hint) {
    return make_error(ErrorKind::kUnavailable, std::move(what), shown(url), hint);
  };
  switch (verified) {
    case X509_V_OK:  // curl compares the name itself, before it asks for the verdict
    case X509_V_ERR_UNSPECIFIED:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return error("the server's certificate is that of another host",
                   "name the host as its certificate does, or is something between you and it?");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return error("the server's certificate has expired",
                   "it must be renewed there; is this machine's clock right?");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return error("the server's certificate is not valid yet", "is this machine's clock right?");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return error("the server's certificate is signed by nobody whom this machine trusts",
                   "if the server is yours, name its authority's file in SSL_CERT_FILE");
    default:
      return error("the server's certificate is not good (" + std::to_string(verified) + ")",
                   "is something between you and the server?");
  }
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
  const char* trusted = std::getenv("SSL_CERT_FILE");
  if (trusted != nullptr && *trusted != '\0') curl_easy_setopt(curl, CURLOPT_CAINFO, trusted);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience.connect.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.deadline.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, patience.min_bytes_per_second);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(patience.stall.count()));
}

bool is_distrust(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

Error failure(CURL* curl, CURLcode code, std::string_view url) {
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    long verified = 0;
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verified);
    return bad_certificate(verified, url);
  }
  if (code == CURLE_SSL_CACERT_BADFILE) {
    return make_error(ErrorKind::kIo, "the certificates to trust cannot be read", "SSL_CERT_FILE",
                      "name a file with certificates in PEM");
  }
  std::string what = curl_easy_strerror(code);
  if (code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) {
    what = "the connection was cut off (" + what + ")";
  }
  return make_error(ErrorKind::kUnavailable, what, shown(url), "check the network and any proxy");
}

}  // namespace vecmill::http
