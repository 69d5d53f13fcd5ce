#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "vecmill/policy/breaker.h"
#include "vecmill/policy/limiter.h"
#include "vecmill/remote/shared_state.h"
#include "vecmill/remote/state_server.h"

namespace vecmill::remote {

struct CommonStateOptions {
  std::string worker = {};  ///< another one for each process
  /// The rates among them; concurrency stays each process's own.
  std::vector<policy::Limit> limits = {};
  policy::BreakerOptions breaker = {};
  int belief = 2;  ///< a breaker that others keep open is believed so many times its `open_for`
  /// Microseconds, for tests; null: the server's clock.
  std::function<std::uint64_t()> clock = {};
};

/// SharedState in a server: one question takes from all limits or from none, another one asks the
/// breaker. While the server is away the rate is this process's share, by the number of workers
/// that were last seen, and the breaker is left to the process. A server that lost everything
/// begins with empty buckets. A refused key is every process's own affair.
class CommonState final : public SharedState {
 public:
  CommonState(std::unique_ptr<StateServer> server, CommonStateOptions options);

  Answer admit(policy::Time now, const policy::Demand& demand) override;
  void settle(Ticket ticket, const End& end) override;
  void cancel(Ticket ticket) override;
  [[nodiscard]] Stats stats() override;

 private:
  struct Grant {
    std::uint64_t id = 0, born = 0;  ///< in the server; 0: not there
    std::optional<std::uint64_t> era;
    std::optional<policy::Limiter::GrantId> share;
    policy::Demand demand;
  };
  struct Taken {
    std::uint64_t verdict = 0, id = 0, born = 0;
    policy::Duration wait = {};
  };
  struct Pass {
    bool granted = false;
    std::uint64_t era = 0;
    policy::Duration wait = {};
  };

  [[nodiscard]] std::string arguments(const char* op, const policy::Demand& amounts);
  Result<Taken> limiter(const std::string& arguments);
  Result<Pass> breaker(const char* op, std::uint64_t era);
  Answer admit_alone(policy::Time now, const policy::Demand& demand, const Error& failure);
  Answer admit_past_breaker(policy::Time now, Grant grant);
  void give_back(const Grant& grant, const policy::Demand& used, policy::Duration hold);
  Answer keep(const Grant& grant);
  std::optional<Grant> find(Ticket ticket);
  [[nodiscard]] std::uint64_t clock() const { return options_.clock ? options_.clock() : 0; }

  const std::unique_ptr<StateServer> server_;
  CommonStateOptions options_;
  std::string limits_json_;

  std::mutex mutex_;
  std::uint64_t born_ = 0, expect_ = 0;   ///< of the state that was seen last
  std::optional<policy::Limiter> share_;  ///< while the server is away
  std::optional<policy::Time> refused_since_;
  std::unordered_map<Ticket, Grant> open_;
  Ticket next_ = 1;
  Stats stats_;
};

/// What one of `workers` may use while none knows of the others.
[[nodiscard]] std::vector<policy::Limit> share_of(const std::vector<policy::Limit>& limits,
                                                  std::uint64_t workers);

}  // namespace vecmill::remote
