#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/http/api_client.h"
#include "vecmill/policy/limiter.h"
#include "vecmill/policy/outcome.h"
#include "vecmill/policy/time.h"
#include "vecmill/remote/request.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// Why a request has no vectors.
struct Failure {
  policy::Outcome outcome = policy::Outcome::kTransient;
  Error error;
  bool settings = false;  ///< of kBadInput: the model or its settings, not a text
  std::optional<policy::Duration> retry_after;
  bool billed_nothing = false;  ///< for certain
};

/// Of a reply whose status is not 200. What the server says is quoted only where it speaks of model
/// or settings and repeats neither the key nor a text.
[[nodiscard]] Failure classify_failure(const RemoteModel& model, const http::ApiReply& reply,
                                       std::span<const std::string_view> texts, const Secret& key);

/// Of a request without a reply.
[[nodiscard]] Failure transport_failure(const Error& error, http::Sent sent);

/// What a header says of a limit of the key.
struct RateReading {
  policy::Unit unit = policy::Unit::kRequests;
  std::uint64_t remaining = 0;
  policy::Duration reset = {};  ///< until the limit is there in full
};

/// `x-ratelimit-remaining-…` and `x-ratelimit-reset-…`.
[[nodiscard]] std::vector<RateReading> rate_readings(const Dialect& dialect,
                                                     const std::vector<http::Header>& headers);

}  // namespace vecmill::remote
