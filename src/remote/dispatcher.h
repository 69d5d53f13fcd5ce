#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "vecmill/policy/adaptive_batch.h"
#include "vecmill/policy/adaptive_rate.h"
#include "vecmill/policy/adaptive_timeout.h"
#include "vecmill/policy/batch_planner.h"
#include "vecmill/policy/breaker.h"
#include "vecmill/policy/limiter.h"
#include "vecmill/policy/random.h"
#include "vecmill/policy/retry.h"
#include "vecmill/policy/time.h"
#include "vecmill/provider.h"
#include "vecmill/remote/remote_api.h"
#include "vecmill/remote/token_estimate.h"

namespace vecmill::remote {

using policy::Duration;
using policy::Time;

struct DispatcherOptions {
  policy::BatchSize batch = {};                                  ///< the most of a request
  std::uint64_t requests_per_minute = 0, tokens_per_minute = 0;  ///< 0: not known
  std::uint64_t inputs_per_minute = 0;                           ///< texts; the same
  bool meters_bytes = false;  ///< tokens_per_minute counts bytes / 4
  bool sends_tokens = false;  ///< where they are fewer than that: they are what counts
  std::uint64_t in_flight = 5;
  Duration linger = std::chrono::milliseconds(5);
  Duration patience = std::chrono::minutes(10);  ///< with a server that fails; not with a limit
  /// 3 attempts lose 1 of 8,000 where 5 % fail.
  policy::RetryOptions retry = {.attempts = 4, .unbudgeted = std::chrono::seconds(20)};
  policy::BreakerOptions breaker = {};
  policy::TimeoutRange timeout = {std::chrono::seconds(10), std::chrono::seconds(60)};
  std::uint64_t seed = 1;
};

/// Decides what is sent to an API, when, and what becomes of each text: batches, limits, breaker
/// and retries in one state machine that is handed the time and sends nothing itself.
class Dispatcher {
 public:
  /// What `create` makes of the options.
  [[nodiscard]] static std::vector<policy::Limit> limits_of(const DispatcherOptions& options);

  using TextId = std::uint64_t;
  using CallId = std::uint64_t;

  /// To be sent now; its end is to be reported once.
  struct Send {
    CallId call = 0;
    std::vector<TextId> texts;
    Role role = Role::kDocument;
    Duration timeout = {};
    policy::Demand demand = {};  ///< what it takes from the limits
  };

  struct Finished {
    TextId text = 0;
    Result<Embedding> result;
  };

  ///   errors  kInvalidArgument: a limit that lets nothing through
  static Result<Dispatcher> create(const DispatcherOptions& options);

  /// `tokens`: as counted; without, they are estimated from the bytes.
  void add(Time now, TextId text, std::uint64_t bytes, Role role,
           std::optional<std::uint64_t> tokens = {});

  /// Something to send now, if there is. To be asked until there is nothing.
  [[nodiscard]] std::optional<Send> next(Time now);

  /// When `next` may have something if nothing else happens; after `next` had nothing.
  [[nodiscard]] Time wake() const;

  void ended(Time now, CallId call, CallResult result);

  /// Instead of `ended`, of something that was not sent. It is to be tried again at `again`.
  void postponed(CallId call, Time again);

  /// As `postponed`, and nothing else is sent before: others use the same limits.
  void held_back(CallId call, Time again);

  /// There is no money for it: it waits for calls that may leave some, or becomes smaller. When
  /// nothing helps, all texts that wait fail with `error`.
  void unaffordable(CallId call, const Error& error);

  /// Nothing may be sent now: all texts that wait fail with `error`.
  void abandoned(CallId call, const Error& error);

  /// Of the texts from `first` on and before `last` those that are not on their way fail with
  /// `error`.
  void cancel(TextId first, TextId last, const Error& error);

  /// What is done since the last time.
  [[nodiscard]] std::vector<Finished> take_finished();

 private:
  static constexpr std::size_t kRoles = 3;
  /// So many single texts refused without one success: the shortest that waits tells whether it is
  /// the texts.
  static constexpr int kRefusals = 16;
  /// So many replies in a row that are not what was promised are an outage; fewer may come of one
  /// text, which is looked for by halving.
  static constexpr int kBadReplies = 24;
  /// A text that was asked for so often, while others had answers, has failed.
  static constexpr int kPasses = 8;

  struct Pending {
    policy::Batch batch;
    Role role = Role::kDocument;
    policy::Retry retry;
    Time ready = {};
    Time failing_since = policy::kNever;
    int failures = 0;     // in all, whatever is forgiven
    int bad_replies = 0;  // of them, answers that are not what was promised
    bool probe = false;   // shows whether anything is taken
  };
  struct Call {
    Pending pending;
    policy::Demand demand;
    policy::Limiter::GrantId grant = 0;
    policy::Breaker::Pass pass;
    Time sent = {};
  };

  Dispatcher(const DispatcherOptions& options, policy::Limiter limiter);

  [[nodiscard]] policy::BatchPlanner& planner(Role role) {
    return planners_[static_cast<std::size_t>(role)];
  }
  /// Nothing was taken yet, and much was refused.
  [[nodiscard]] bool doubts() const { return !worked_ && refusals_ >= kRefusals; }
  /// Nothing is sent before the calls on their way have ended.
  [[nodiscard]] bool waits_for_calls() const;
  /// What has waited for its time; in an outage not what has failed often.
  std::optional<Pending> take_due(Time now, bool often_failed);
  std::optional<Pending> take_new(Time now);
  [[nodiscard]] policy::Retry fresh_retry(Role role) const;
  bool find_head(Time now);
  /// Both limits and breaker let the head go, or `head_wake_` says when to ask again.
  bool admit_head(Time now);
  void drop_head(const Error& error);
  [[nodiscard]] bool outage() const;
  void forgive();
  void leave_out_pause(Time now);
  /// Whether nothing at all has had an answer since this failed first.
  [[nodiscard]] bool none_answered_since(const Pending& pending) const;
  /// When a failing server has had its time.
  [[nodiscard]] Time give_up() const;
  [[nodiscard]] bool is_outage(const CallResult& result) const;
  [[nodiscard]] policy::Demand demand_of(const policy::Batch& batch) const;
  void settle(Time now, const Call& call, const CallResult& result);
  void succeed(const Call& call, CallResult& result);
  void split(const Pending& pending, policy::Outcome outcome, const Error& error);
  void refuse(const Call& call, const CallResult& result);
  [[nodiscard]] bool may_be_one_text(const Pending& pending) const;
  /// As if it had never been handed out.
  std::optional<Pending> take_back(CallId call);
  void give_up_all(const policy::Batch& batch, const Error& error);
  void try_again(Time now, Call& call, const CallResult& result);
  void fail_often(const Pending& pending, const Error& error);
  void fail(const policy::Batch& batch, const Error& error);
  void fail_all(const Error& error);

  DispatcherOptions options_;
  policy::Limiter limiter_;
  std::vector<policy::Limit> limits_;  // by their places in limiter_
  policy::AdaptiveRate rate_;
  policy::Breaker breaker_;
  policy::RetryBudget budget_;
  policy::AdaptiveTimeout timeout_;
  policy::AdaptiveBatch target_;
  policy::Random random_;
  TokenEstimate estimate_;
  std::vector<policy::BatchPlanner> planners_;  // [kRoles]
  std::deque<Pending> again_;                   // in no order
  std::optional<Pending> head_;                 // the only one that asks the limiter
  Time head_wake_ = {};
  std::map<CallId, Call> calls_;
  policy::Limiter::GrantId grant_ = 0;  // of the head, once it may go
  policy::Demand demand_;
  policy::Breaker::Pass pass_;
  std::vector<Finished> finished_;
  std::optional<Error> failure_;  // the last of a server that only fails
  Time failing_since_ = {}, last_failure_ = {};
  std::map<TextId, Time> suspects_;  // of halves: since when the whole failed
  std::optional<Error> key_error_;   // they do while the breaker is open for it
  int refusals_ = 0;                 // of single texts, without any success before
  int bad_replies_ = 0;              // in a row
  bool worked_ = false;              // at least once
  CallId next_call_ = 1;
};

}  // namespace vecmill::remote
