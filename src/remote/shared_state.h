#pragma once

#include <cstdint>
#include <optional>

#include "vecmill/policy/limiter.h"
#include "vecmill/policy/outcome.h"
#include "vecmill/policy/time.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// What several processes know together of one key and model: the rate that is left, and whether
/// the server works. Asked before a request is sent, told how it ended. Never of money; never an
/// error: a place that cannot be asked leaves each process its share. Thread-safe.
class SharedState {
 public:
  using Ticket = std::uint64_t;

  struct Answer {
    std::optional<Ticket> ticket = {};  ///< it may be sent
    policy::Duration ask_again = {};    ///< else: after so long
  };

  struct End {
    policy::Outcome outcome = policy::Outcome::kSuccess;
    std::uint64_t tokens = 0;  ///< as billed; 0: not known
    policy::Duration took = {};
    std::optional<policy::Duration> retry_after = {};
  };

  virtual ~SharedState() = default;

  virtual Answer admit(policy::Time now, const policy::Demand& demand) = 0;

  /// Once for each ticket, or `cancel` if the request was not sent.
  virtual void settle(Ticket ticket, const End& end) = 0;
  virtual void cancel(Ticket ticket) = 0;

  struct Stats {
    std::uint64_t admitted = 0;
    std::uint64_t alone = 0;    ///< of them, by this process's share: the others were not asked
    std::uint64_t workers = 1;  ///< processes, as seen last
    std::optional<Error> failure = {};  ///< why not, the last time
  };
  [[nodiscard]] virtual Stats stats() = 0;
};

}  // namespace vecmill::remote
