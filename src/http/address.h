#pragma once

#include <optional>
#include <string>

#include "vecmill/result.h"

namespace vecmill::http {

/// The host of an address as curl will understand it, in small letters; nothing when it is none.
[[nodiscard]] std::optional<std::string> host_of(const std::string& url);

/// Whether a host is this machine by its name alone.
[[nodiscard]] bool is_loopback(const std::string& host);

/// Whether requests with a key may go to this address: https://, or http:// where `plain` or where
/// the host is this machine; no password in it.
///   errors  kInvalidArgument, without what may be a secret in it
Status check_url(const std::string& url, bool plain);

/// The same of an address below which requests go: without a query, too.
Status check_base_url(const std::string& url, bool plain);

}  // namespace vecmill::http
