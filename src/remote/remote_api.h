#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/secret.h"
#include "vecmill/http/api_client.h"
#include "vecmill/policy/outcome.h"
#include "vecmill/policy/time.h"
#include "vecmill/provider.h"
#include "vecmill/remote/failure.h"
#include "vecmill/remote/request.h"

namespace vecmill::remote {

/// Whether a request is on the provider's bill.
enum class Billed : std::uint8_t {
  kUnknown,
  kNo,
  kYes,
  kUncounted,  ///< it is; the reply does not say how many tokens it had
};

/// How one request for vectors ended.
struct CallResult {
  policy::Outcome outcome = policy::Outcome::kTransient;
  std::vector<Embedding> embeddings;  ///< of a success: one per text, in their order
  std::optional<Error> error;         ///< of any other outcome
  bool settings = false;              ///< see Failure
  std::optional<policy::Duration> retry_after;
  std::vector<RateReading> rates;
  Billed billed = Billed::kUnknown;
  std::uint64_t tokens = 0;                ///< billed; 0: the reply does not say
  std::optional<policy::Duration> took{};  ///< the exchange alone; none: until it is reported
};

/// One model somewhere else, one request at a time: no limits, no second try. Safe from any thread.
class RemoteApi {
 public:
  using Done = std::function<void(CallResult)>;

  virtual ~RemoteApi() = default;

  [[nodiscard]] virtual const RemoteModel& model() const = 0;

  /// `texts` are valid UTF-8 and need not outlive the call. `done` is called once, from any thread,
  /// and must not wait.
  virtual void start(std::span<const std::string_view> texts, Role role, policy::Duration timeout,
                     Done done) = 0;
};

/// `tokens_of`: null where they are not known; see cheaper_tokens.
std::unique_ptr<RemoteApi> make_remote_api(RemoteModel model, Secret key,
                                           std::shared_ptr<http::ApiClient> client,
                                           TokensOf tokens_of = {});

/// What a finished exchange means. `name`: what the reply must call the model, unless empty;
/// `answered_as`: what it does call it.
[[nodiscard]] CallResult read_result(const RemoteModel& model, const http::ApiReply& reply,
                                     std::span<const std::string_view> texts, const Secret& key,
                                     std::string_view name, std::string* answered_as = nullptr);

}  // namespace vecmill::remote
