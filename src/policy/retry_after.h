#pragma once

#include <optional>
#include <string_view>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// What a server can ask for at most; more is this.
inline constexpr std::chrono::hours kLongestWait{24};

/// `Retry-After`: seconds ("2", "0.5") or an HTTP date ("Sun, 06 Nov 1994 08:49:37 GMT"), which is
/// compared with the server's own `Date` where it sent one. A date in the past is 0. Nothing for
/// anything else; the obsolete forms of HTTP dates are not read.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view value, Date now);

/// `retry-after-ms`, `x-ms-retry-after-ms`: milliseconds.
[[nodiscard]] std::optional<Duration> parse_milliseconds(std::string_view value);

/// `x-ratelimit-reset-…`: numbers with units from h to ns ("6m0s", "1.5s", "20ms"), or plain
/// seconds.
[[nodiscard]] std::optional<Duration> parse_reset(std::string_view value);

/// "Sun, 06 Nov 1994 08:49:37 GMT"; the day of the week is not checked.
[[nodiscard]] std::optional<Date> parse_http_date(std::string_view value);

}  // namespace vecmill::policy
