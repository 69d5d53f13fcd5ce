#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "vecmill/policy/time.h"
#include "vecmill/provider.h"
#include "vecmill/remote/remote_api.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// Who answers for the money: asked before a request is sent, told what became of it. Thread-safe.
class Spending {
 public:
  using PaymentId = std::uint64_t;

  struct Request {
    std::span<const std::string_view> texts;
    Role role = Role::kDocument;
    std::uint64_t most_tokens = 0;              ///< what can be billed at most
    std::span<const std::uint64_t> parts = {};  ///< [texts] of it
  };

  struct Answer {
    std::optional<PaymentId> payment = {};           ///< it may be sent
    std::optional<policy::Duration> ask_again = {};  ///< not now: after so long
    std::optional<Error> refusal = {};               ///< not by waiting; a smaller one may be
  };

  virtual ~Spending() = default;

  /// What is granted is on record when this returns.
  ///   errors  no request may be sent any more: no price is known, the record cannot be written
  virtual Result<Answer> intend(const Request& request) = 0;

  /// Once for each that was granted. `tokens`: when billed; estimated when that is uncounted.
  virtual void settle(PaymentId payment, Billed billed, std::uint64_t tokens) = 0;
};

/// The most tokens that a model can find in a text: one a byte and some around it, none beyond what
/// it takes. (A few characters of Unicode, like U+FDFA, are normalised into more tokens than
/// bytes.)
[[nodiscard]] std::uint64_t most_tokens(const RemoteModel& model, std::string_view text);

/// What may be billed for a text beyond the tokens that were counted of it: the words that the API
/// puts before it for its role.
[[nodiscard]] std::uint64_t tokens_around(const RemoteModel& model);

}  // namespace vecmill::remote
