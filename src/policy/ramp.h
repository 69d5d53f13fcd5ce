#pragma once

#include <cstdint>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// OpenAI's rule: a rate of 1,000,000 tokens a minute and more may grow by half in 15 minutes.
/// Growth starts from what was used: an idle quarter of an hour leads back to the start.
class Ramp {
 public:
  static constexpr std::uint64_t kStart = 1'000'000;
  static constexpr std::chrono::minutes kStep{15};

  /// Units per minute that may be used now.
  [[nodiscard]] std::uint64_t allowed(Time now);

  /// To be called after `allowed` of the same moment.
  void use(std::uint64_t units) { used_ += units; }

 private:
  bool started_ = false;
  Time step_start_ = {};
  std::uint64_t used_ = 0;  // since step_start_
  std::uint64_t allowed_ = kStart;
};

}  // namespace vecmill::policy
