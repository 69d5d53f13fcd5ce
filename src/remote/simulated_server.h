#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vecmill/policy/random.h"
#include "vecmill/policy/time.h"
#include "vecmill/remote/remote_api.h"

namespace vecmill::remote {

/// What can go wrong with a request of which nothing is wrong.
enum class Fault : std::uint8_t {
  kNone,
  kThrottled,
  kServerError,
  kReset,
  kBlackHole,
  kTruncated,
  kShort,      ///< fewer vectors than texts
  kTwice,      ///< two vectors for one text
  kSame,       ///< one vector for two texts
  kNotFinite,  ///< NaN or infinity
  kOtherDims,
  kOtherModel,
};
inline constexpr std::uint64_t kFaults = 12;  ///< with kNone

/// VECMILL_TEST_SEED, 1 unless it is set.
[[nodiscard]] std::uint64_t test_seed();
/// VECMILL_TEST_DEEP: full counts.
[[nodiscard]] bool is_deep();

/// A simulated text tells its number, its vector too.
[[nodiscard]] std::string text_of(std::uint64_t id);
[[nodiscard]] std::vector<float> vector_of(std::uint64_t id);

/// How a server answers a request of these texts (by their numbers), as the parser of replies
/// understands it: rows in any order, in base64 or as numbers.
[[nodiscard]] CallResult reply_to(std::span<const std::uint64_t> ids, Fault fault,
                                  std::uint64_t tokens, policy::Random& random);

struct ServerOptions {
  std::uint64_t requests_per_minute = 0, tokens_per_minute = 0;  ///< 0: no limit
  std::uint64_t fault_percent = 0;
  policy::Time outage_begin = policy::kNever, outage_end = policy::kNever;
  policy::Time key_refused_begin = policy::kNever, key_refused_end = policy::kNever;
  std::uint64_t bad_every = 0;   ///< texts whose number it divides are refused; 0: none
  std::uint64_t most_texts = 0;  ///< in a request; 0: any
};

/// An API with a limiter and a bill of its own; requests reach it in the order of time.
class SimulatedServer {
 public:
  struct Answer {
    CallResult result;
    policy::Duration took = {};
  };

  SimulatedServer(const ServerOptions& options, std::uint64_t seed)
      : options_(options), random_(seed) {}

  Answer answer(policy::Time now, std::span<const std::uint64_t> ids, std::uint64_t tokens,
                policy::Duration timeout);

  std::uint64_t rejected = 0, faults = 0, accepted = 0;  ///< requests; `rejected` by its limiter
  std::uint64_t accepted_tokens = 0;
  std::uint64_t billed_tokens = 0;  ///< of intact replies

 private:
  bool over_limit(policy::Time now, std::uint64_t tokens);
  Fault draw(policy::Time now);
  /// What is wrong with the request, if anything.
  [[nodiscard]] policy::Outcome judge(policy::Time now, std::span<const std::uint64_t> ids) const;

  ServerOptions options_;
  policy::Random random_;
  std::deque<std::pair<policy::Time, std::uint64_t>> log_;  // of the last minute, with tokens
  std::uint64_t log_tokens_ = 0;
};

}  // namespace vecmill::remote
