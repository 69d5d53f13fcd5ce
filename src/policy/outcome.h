#pragma once

#include <cstdint>

namespace vecmill::policy {

/// How a call ended, as far as the next one is concerned.
enum class Outcome : std::uint8_t {
  kSuccess,
  kTransient,   ///< no answer, not in time, a server's error, or not what was promised
  kThrottled,   ///< too fast: wait and send again
  kTooLarge,    ///< too much for one request: split it
  kBadInput,    ///< something in the request can never succeed
  kKeyRefused,  ///< the key, its rights or its account: no request of this key can succeed
};
inline constexpr int kOutcomes = 6;

/// Of an HTTP status; 0: there was no answer. `billing`: what the body of a 429 says.
[[nodiscard]] Outcome classify(int status, bool billing = false);

}  // namespace vecmill::policy
