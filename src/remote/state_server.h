#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::remote {

/// Where limiter and breaker of one key and model are kept for several processes. Each call is one
/// decision, made there under a lock, so that nobody who is slow or dies holds up the others; both
/// places decide as policy::Limiter and policy::Breaker do. Times are in microseconds. After an
/// error it is not known whether a question took effect; one that is asked twice counts twice.
/// Thread-safe, bounded in time.
class StateServer {
 public:
  virtual ~StateServer() = default;

  /// `question`: a JSON object of
  ///   now      0: the server's clock decides
  ///   op       "take" or "settle"
  ///   worker   who asks
  ///   limits   [[unit, count, period, burst], ...]; units from 1, as in `amounts`
  ///   amounts  what is taken, or what was used
  ///   born, expect  of the state that the worker knows, and until when that was sure to be kept
  ///   id, of   settle: the grant, and the `born` of its state
  ///   hold     settle: grant nothing for so long
  /// Gives verdict (0 granted, 1 later, 2 too large), grant, wait, born, expect, workers.
  /// A state that was lost while it was sure to be kept begins with empty buckets, whoever finds
  /// out. A grant that nobody settles for five minutes counts as used.
  virtual Result<std::vector<std::uint64_t>> limiter(const std::string& question) = 0;

  /// `question`: a JSON object of
  ///   now      as above
  ///   op       "admit", "failed", "worked" (a success), "answered" (no success, but an answer) or
  ///            "cancelled"
  ///   era      of the admission that is reported
  ///   failures, probes, open_for  as in BreakerOptions
  /// Gives granted (0 or 1), era, wait. Eras grow with the clock, also past a loss of the state, so
  /// that a report from before a change is known as late.
  virtual Result<std::vector<std::uint64_t>> breaker(const std::string& question) = 0;
};

/// How many numbers they give.
inline constexpr std::size_t kLimiterNumbers = 6, kBreakerNumbers = 3;

}  // namespace vecmill::remote
