#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/cache/lease_server.h"
#include "vecmill/cache/server_level.h"
#include "vecmill/engine/finding_teller.h"
#include "vecmill/remote/open_remote.h"
#include "vecmill/remote/state_server.h"
#include "vecmill/result.h"
#include "vecmill/shared_state.h"

namespace vecmill::engine {

/// What a server is opened for: how long a question may take, and what is made in it.
enum class SharedUse : std::uint8_t { kLook, kVectors, kLimits };

/// Limits are asked about before every request: sooner alone than late.
[[nodiscard]] constexpr std::chrono::milliseconds answer_within(SharedUse use) {
  return std::chrono::milliseconds(use == SharedUse::kLimits ? 250 : 1000);
}

/// A server that processes share, or try to: it may be away, now and later.
class SharedServer {
 public:
  virtual ~SharedServer() = default;

  /// Without its password.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Why it could not be reached.
  [[nodiscard]] virtual const std::optional<Error>& away() const = 0;
  /// Whether it will have what is shared in it; what to do if not.
  ///   errors  kInvalidArgument
  [[nodiscard]] virtual Status keeps_limits() const = 0;
  [[nodiscard]] virtual Status keeps_vectors() const = 0;
  /// What the doctor says of one that answers, besides its address.
  virtual void examine(const FindingTeller& teller, bool shares_limits) = 0;

  /// Opened for vectors.
  virtual Result<std::unique_ptr<cache::Level>> level(const cache::ServerLevelOptions& wanted) = 0;
  virtual std::unique_ptr<cache::LeaseServer> leases() = 0;
  /// Opened for limits.
  virtual std::unique_ptr<remote::StateServer> state(const std::string& name) = 0;
};

/// The server for vectors; null where none is named.
///   errors  as check_shared_state
Result<std::shared_ptr<SharedServer>> shared_cache(const SharedOptions& options);

/// What makes the state that processes share of a key and model; null where none is.
///   errors  as check_shared_state; those of the secret that names are made with
Result<remote::ShareOf> shared_limits(const SharedOptions& options);

/// What the states of an engine's models did.
[[nodiscard]] SharedReport report_of(
    const std::vector<std::shared_ptr<remote::SharedState>>& states);

}  // namespace vecmill::engine
