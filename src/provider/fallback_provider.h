#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vecmill/policy/fallback.h"
#include "vecmill/provider.h"

namespace vecmill::provider {

struct FallbackMember {
  std::shared_ptr<Provider> provider;
  std::string name;
  /// Whether an error ends the run whoever comes next (a budget); null: none does.
  std::function<bool(const Error&)> is_final = {};
  bool out = false;  ///< did not answer a moment ago
};

struct FallbackChain {
  std::vector<FallbackMember> members;  ///< at least one; their vectors are of one space
  std::string described;                ///< SpaceInfo::fallback
  std::shared_ptr<Provider> degraded;   ///< asked when all are out; null: that is an error
  std::string degraded_name;
  policy::FallbackTimes times = {};
  // For tests; null: the steady clock.
  std::function<policy::Time()> now = {};
  std::function<void(policy::Time until)> sleep = {};
};

/// Several providers of one space as one, which is called and described as the first. A text goes
/// to the first that is not out (policy::Fallback); what it could not answer because of its server
/// goes to the next. Texts that are wrong themselves, refused keys and budgets do not move on. When
/// all are out the call waits, and goes on by itself.
///   errors  of a text: as its provider's; kUnavailable naming all of them after `times.patience`
class FallbackProvider : public Provider {
 public:
  /// Texts that each member answered, in their order.
  [[nodiscard]] virtual std::vector<std::uint64_t> answered() const = 0;
};

std::unique_ptr<FallbackProvider> make_fallback_provider(FallbackChain chain);

}  // namespace vecmill::provider
