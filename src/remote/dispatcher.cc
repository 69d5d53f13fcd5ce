#include "vecmill/remote/dispatcher.h"

#include <algorithm>
#include <utility>

namespace vecmill::remote {
namespace {

using policy::Outcome;
using policy::Unit;

constexpr std::chrono::minutes kMinute{1};
/// What a request should take: short enough that several are in flight, and little is lost with
/// one.
constexpr std::chrono::seconds kTarget{2};
constexpr std::uint64_t kLeastTokens = 8'000;
/// The rate that is tried where nobody names one.
constexpr std::uint64_t kUnknownRate = 3'000;
/// A minute of theirs can hold what is sent in one of ours and what the way there delays.
constexpr std::chrono::milliseconds kTheirMinute{60'600};

/// The deeper the burst, the slower the refill: no more than a request needs.
std::uint64_t deep_burst(std::uint64_t per_minute) {
  return std::max(per_minute / 40, std::min(per_minute / 4, kLeastTokens));
}

bool is_bad_reply(const CallResult& result) {
  return result.outcome == Outcome::kTransient && result.error &&
         result.error->kind == ErrorKind::kInvalidData;
}

constexpr std::size_t kRequestLimit = 1;  // its place among them

/// No request is cut that the limits never let through.
policy::BatchSize batch_within(const std::vector<policy::Limit>& limits, policy::BatchSize batch) {
  for (const policy::Limit& limit : limits) {
    if (limit.unit == Unit::kInputs) batch[0] = std::min(batch[0], limit.burst);
    if (limit.unit == Unit::kTokens) batch[1] = std::min(batch[1], limit.burst);
    if (limit.unit == Unit::kMetered) batch[2] = std::min(batch[2], 4 * limit.burst);
  }
  return batch;
}

}  // namespace

std::vector<policy::Limit> Dispatcher::limits_of(const DispatcherOptions& options) {
  const std::uint64_t requests =
      options.requests_per_minute > 0 ? options.requests_per_minute : kUnknownRate;
  std::vector<policy::Limit> limits{
      policy::concurrency(options.in_flight),
      policy::sliding_window(Unit::kRequests, requests, std::max<std::uint64_t>(requests / 50, 1),
                             kTheirMinute)};
  if (options.tokens_per_minute > 0) {
    limits.push_back(options.meters_bytes
                         ? policy::token_bucket(Unit::kMetered, options.tokens_per_minute, kMinute)
                         : policy::sliding_window(Unit::kTokens, options.tokens_per_minute,
                                                  deep_burst(options.tokens_per_minute),
                                                  kTheirMinute));
  }
  if (options.inputs_per_minute > 0) {
    limits.push_back(policy::sliding_window(Unit::kInputs, options.inputs_per_minute,
                                            deep_burst(options.inputs_per_minute), kTheirMinute));
  }
  return limits;
}

Result<Dispatcher> Dispatcher::create(const DispatcherOptions& options) {
  VECMILL_ASSIGN(policy::Limiter limiter, policy::Limiter::create(limits_of(options)));
  return Dispatcher(options, std::move(limiter));
}

Dispatcher::Dispatcher(const DispatcherOptions& options, policy::Limiter limiter)
    : options_(options),
      limiter_(std::move(limiter)),
      limits_(limits_of(options)),
      rate_(limits_[kRequestLimit].count),
      breaker_(options.breaker),
      timeout_(options.timeout),
      target_({std::min(kLeastTokens, options.batch[1]), options.batch[1]}, kTarget),
      random_(options.seed) {
  const policy::BatchSize batch = batch_within(limits_, options.batch);
  for (std::size_t i = 0; i < kRoles; ++i) planners_.emplace_back(batch, options.linger);
}

void Dispatcher::add(Time now, TextId text, std::uint64_t bytes, Role role,
                     std::optional<std::uint64_t> tokens) {
  if (!tokens) {
    tokens = estimate_.tokens(bytes);
    // What is only estimated is never too much: the server says so if it is.
    if (options_.tokens_per_minute > 0 && !options_.meters_bytes) {
      tokens = std::min(*tokens, options_.tokens_per_minute);
    }
  }
  planner(role).add(now, {text, *tokens, bytes});
}

std::optional<Dispatcher::Pending> Dispatcher::take_due(Time now, bool often_failed) {
  const auto is_due = [&](const Pending& pending) {
    return pending.ready <= now && often_failed == (pending.failures >= options_.retry.attempts);
  };
  auto due = again_.end();
  for (auto it = again_.begin(); it != again_.end(); ++it) {
    if (is_due(*it) && (due == again_.end() || it->ready < due->ready)) due = it;
  }
  if (due == again_.end()) return std::nullopt;
  Pending pending = std::move(*due);
  again_.erase(due);
  return pending;
}

/// A question does not wait for room in the budget of retries.
policy::Retry Dispatcher::fresh_retry(Role role) const {
  policy::RetryOptions options = options_.retry;
  if (role == Role::kQuery) options.unbudgeted = {};
  return policy::Retry(options);
}

/// Questions first: somebody waits for their answer.
std::optional<Dispatcher::Pending> Dispatcher::take_new(Time now) {
  for (const Role role : {Role::kQuery, Role::kDocument, Role::kNone}) {
    Pending pending{{}, role, fresh_retry(role)};
    planner(role).aim_at_tokens(target_.tokens());
    if (doubts()) {
      const auto shortest = planner(role).take_shortest();
      if (!shortest) continue;
      pending.batch.pieces = {*shortest};
      pending.probe = true;
      return pending;
    }
    if (auto batch = planner(role).next(now)) {
      pending.batch = *std::move(batch);
      for (const auto& piece : pending.batch.pieces) {
        const auto suspect = suspects_.find(piece.id);
        if (suspect != suspects_.end()) pending.failing_since = suspect->second;
      }
      return pending;
    }
  }
  return std::nullopt;
}

bool Dispatcher::find_head(Time now) {
  if (head_) return true;
  if (waits_for_calls()) return false;
  head_ = take_due(now, false);
  // In an outage a text that brings the server down must not be all that is asked.
  if (!head_ && !outage()) head_ = take_due(now, true);
  if (!head_) head_ = take_new(now);
  if (!head_) head_ = take_due(now, true);
  return head_.has_value();
}

policy::Demand Dispatcher::demand_of(const policy::Batch& batch) const {
  const auto [texts, tokens, bytes] = batch.size();
  policy::Demand demand;
  demand[Unit::kRequests] = 1;
  demand[Unit::kTokens] = tokens;
  demand[Unit::kMetered] = options_.sends_tokens ? std::min(tokens, bytes / 4) : bytes / 4;
  demand[Unit::kInputs] = texts;
  demand[Unit::kConcurrency] = 1;
  for (const policy::Limit& limit : limits_) {
    // One text cannot be cut: if a minute has room for it, it takes all that is there at once.
    std::uint64_t& amount = demand[limit.unit];
    if (texts == 1 && amount <= std::max(limit.burst, options_.tokens_per_minute)) {
      amount = std::min(amount, limit.burst);
    }
  }
  return demand;
}

void Dispatcher::drop_head(const Error& error) {
  const Pending pending = std::move(*head_);
  head_.reset();
  fail(pending.batch, error);
}

bool Dispatcher::admit_head(Time now) {
  demand_ = demand_of(head_->batch);
  const auto answer = limiter_.take(now, demand_);
  if (answer.verdict == policy::Limiter::Verdict::kTooLarge) {
    const Pending pending = std::move(*head_);
    head_.reset();
    split(pending, Outcome::kTooLarge,
          make_error(ErrorKind::kTooLong, "the text is larger than the rate limit ever allows"));
    return false;
  }
  head_wake_ = answer.ask_again;
  if (answer.verdict != policy::Limiter::Verdict::kGranted) return false;
  pass_ = breaker_.admit(now);
  if (pass_.granted) {
    grant_ = answer.grant;
    return true;
  }
  limiter_.settle(answer.grant, {});
  if (key_error_) {
    drop_head(*key_error_);
    return false;
  }
  leave_out_pause(now);
  if (now >= give_up()) {
    drop_head(*failure_);
    return false;
  }
  head_wake_ = std::min(pass_.ask_again, give_up());
  return false;
}

bool Dispatcher::outage() const { return breaker_.state() != policy::Breaker::State::kClosed; }

/// What failed because of an outage may fail as often as anything else after it.
void Dispatcher::forgive() {
  for (Pending& pending : again_) pending.retry = fresh_retry(pending.role);
  if (head_) head_->retry = fresh_retry(head_->role);
}

/// An outage is asked so often; nothing is known of the time in which nothing was sent.
void Dispatcher::leave_out_pause(Time now) {
  if (now - last_failure_ <= options_.breaker.open_for + options_.timeout.most) return;
  failing_since_ = last_failure_ = now;
}

bool Dispatcher::none_answered_since(const Pending& pending) const {
  return failure_ && failing_since_ <= pending.failing_since;
}

Time Dispatcher::give_up() const {
  return failure_ ? failing_since_ + options_.patience : policy::kNever;
}

/// A batch waits for what others leave of a budget: nothing overtakes it, so that what is paid for
/// when the budget ends comes before what is not. And in doubt about all texts one is asked at a
/// time.
bool Dispatcher::waits_for_calls() const {
  if (calls_.empty()) return false;
  return doubts() || std::ranges::find(again_, policy::kNever, &Pending::ready) != again_.end();
}

std::optional<Dispatcher::Send> Dispatcher::next(Time now) {
  while (find_head(now)) {
    if (!admit_head(now)) {
      if (head_) return std::nullopt;
      continue;
    }
    Call call{*std::move(head_), demand_, grant_, pass_, now};
    head_.reset();
    Send send{next_call_++, {}, call.pending.role, {}, call.demand};
    send.timeout = timeout_.timeout(call.demand[Unit::kTokens]);
    for (const auto& piece : call.pending.batch.pieces) send.texts.push_back(piece.id);
    calls_.emplace(send.call, std::move(call));
    return send;
  }
  return std::nullopt;
}

Time Dispatcher::wake() const {
  if (head_) return head_wake_;
  if (waits_for_calls()) return policy::kNever;
  Time wake = policy::kNever;
  for (const auto& planner : planners_) wake = std::min(wake, planner.wake());
  for (const Pending& pending : again_) wake = std::min(wake, pending.ready);
  return wake;
}

void Dispatcher::ended(Time now, CallId id, CallResult result) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  Call call = std::move(it->second);
  calls_.erase(it);
  settle(now, call, result);
  for (Pending& pending : again_) {  // what waits for the end of another call
    if (pending.ready == policy::kNever) pending.ready = now;
  }
  switch (result.outcome) {
    case Outcome::kSuccess: succeed(call, result); break;
    case Outcome::kTooLarge: split(call.pending, result.outcome, *result.error); break;
    case Outcome::kBadInput: refuse(call, result); break;
    case Outcome::kKeyRefused:
      key_error_ = result.error;
      fail(call.pending.batch, *result.error);
      fail_all(*result.error);
      break;
    case Outcome::kTransient:
    case Outcome::kThrottled: try_again(now, call, result); break;
  }
}

std::optional<Dispatcher::Pending> Dispatcher::take_back(CallId id) {
  auto node = calls_.extract(id);
  if (node.empty()) return std::nullopt;
  Call& call = node.mapped();
  limiter_.settle(call.grant, {});
  breaker_.cancel(call.pass);
  return std::move(call.pending);
}

void Dispatcher::postponed(CallId id, Time again) {
  auto pending = take_back(id);
  if (!pending) return;
  pending->ready = again;
  again_.push_back(*std::move(pending));
}

void Dispatcher::held_back(CallId id, Time again) {
  limiter_.hold(again);
  postponed(id, again);
}

void Dispatcher::unaffordable(CallId id, const Error& error) {
  if (calls_.size() > 1) return postponed(id, policy::kNever);
  const auto pending = take_back(id);
  if (!pending) return;
  if (!planner(pending->role).refused(pending->batch, Outcome::kTooLarge)) {
    give_up_all(pending->batch, error);
  }
}

void Dispatcher::abandoned(CallId id, const Error& error) {
  if (const auto pending = take_back(id)) give_up_all(pending->batch, error);
}

void Dispatcher::give_up_all(const policy::Batch& batch, const Error& error) {
  refusals_ = 0;
  fail(batch, error);
  fail_all(error);
}

/// Halving finds the text that a bad reply comes of; when too many are bad in a row, it is the
/// server.
bool Dispatcher::is_outage(const CallResult& result) const {
  return result.outcome == Outcome::kTransient &&
         (!is_bad_reply(result) || bad_replies_ > kBadReplies);
}

/// What the end of a call tells limiter, rate, breaker and timeout.
void Dispatcher::settle(Time now, const Call& call, const CallResult& result) {
  const Duration took = result.took.value_or(now - call.sent);
  policy::Demand used = call.demand;
  if (result.tokens > 0) used[Unit::kTokens] = result.tokens;
  limiter_.settle(call.grant, used);
  if (is_bad_reply(result)) ++bad_replies_;
  const bool failed = is_outage(result);
  // A bad reply is an answer, and no proof that anything works: as a throttled request's.
  const bool only_bad = result.outcome == Outcome::kTransient && !failed;
  breaker_.report(now, call.pass, only_bad ? Outcome::kThrottled : result.outcome, took);
  if (outage()) forgive();
  for (const RateReading& reading : result.rates) {
    const auto limit = std::ranges::find(limits_, reading.unit, &policy::Limit::unit);
    if (limit == limits_.end()) continue;
    limiter_.observe(now, static_cast<std::size_t>(limit - limits_.begin()), reading.remaining,
                     reading.reset);
  }
  if (!failed) {
    failure_.reset();
  } else {
    if (!failure_) failing_since_ = now;
    leave_out_pause(now);
    last_failure_ = now;
    failure_ = result.error;
    failure_->kind = ErrorKind::kUnavailable;
  }
  if (result.outcome == Outcome::kThrottled) {
    rate_.throttled(now, call.sent);
    if (result.retry_after) {
      limiter_.hold(now + std::min(*result.retry_after, options_.retry.hint_cap));
    }
  } else if (result.outcome == Outcome::kSuccess) {
    rate_.succeeded(now);
    timeout_.replied(call.demand[Unit::kTokens], took);
    target_.succeeded(call.demand[Unit::kTokens], took);
  } else if (result.outcome == Outcome::kTransient && took >= options_.timeout.least) {
    timeout_.timed_out();
    target_.halve();
  }
  limiter_.set_count(now, kRequestLimit, rate_.count());
}

void Dispatcher::succeed(const Call& call, CallResult& result) {
  const policy::Batch& batch = call.pending.batch;
  planner(call.pending.role).accepted(batch);
  budget_.succeeded();
  estimate_.learn(batch.size()[2], result.tokens);
  key_error_.reset();
  worked_ = true;
  refusals_ = bad_replies_ = 0;
  for (std::size_t i = 0; i < batch.pieces.size(); ++i) {
    suspects_.erase(batch.pieces[i].id);
    finished_.push_back({batch.pieces[i].id, std::move(result.embeddings[i])});
  }
}

void Dispatcher::split(const Pending& pending, Outcome outcome, const Error& error) {
  if (!planner(pending.role).refused(pending.batch, outcome)) fail(pending.batch, error);
}

void Dispatcher::refuse(const Call& call, const CallResult& result) {
  const Pending& pending = call.pending;
  if (result.settings) {
    if (worked_) return fail(pending.batch, *result.error);
    return give_up_all(pending.batch, *result.error);
  }
  if (pending.batch.pieces.size() == 1) ++refusals_;
  if (!pending.probe || worked_) return split(pending, result.outcome, *result.error);
  Error error = *result.error;
  error.kind = ErrorKind::kInvalidArgument;
  error.message = "all texts are refused, the shortest, too: " + error.message;
  error.hint = "is it a model for embeddings, and does this address take this form of request?";
  give_up_all(pending.batch, error);
}

/// Whether the halves of a request may fare better.
bool Dispatcher::may_be_one_text(const Pending& pending) const {
  if (pending.batch.pieces.size() == 1) return false;
  return pending.bad_replies > 1 ||
         (pending.role != Role::kQuery && pending.failures >= options_.retry.attempts);
}

void Dispatcher::try_again(Time now, Call& call, const CallResult& result) {
  Pending& pending = call.pending;
  if (result.outcome == Outcome::kTransient) ++pending.failures;
  if (is_bad_reply(result)) ++pending.bad_replies;
  // In an outage work is kept: the breaker lets it go when the server is back.
  const bool kept = outage() && now < give_up();
  pending.failing_since = std::min(pending.failing_since, now);
  if (may_be_one_text(pending)) {
    for (const auto& piece : pending.batch.pieces) suspects_[piece.id] = pending.failing_since;
    return split(pending, Outcome::kBadInput, *result.error);
  }
  const bool alone = pending.role != Role::kQuery && !none_answered_since(pending);
  if (alone && pending.failures >= kPasses) return fail_often(pending, *result.error);
  if (kept) pending.retry = fresh_retry(pending.role);
  const auto next = [&] {
    return pending.retry.after(result.outcome, now, result.retry_after, random_, budget_);
  };
  auto again = kept ? std::optional(now) : next();
  // A few requests are too few for the breaker to see the outage. A question does not wait.
  const bool patient = alone ? pending.bad_replies == 0 : now < give_up();
  if (!again && pending.role != Role::kQuery && patient) {
    pending.retry = fresh_retry(pending.role);
    again = next();
  }
  if (!again) return fail_often(pending, *result.error);
  pending.ready = *again;
  again_.push_back(std::move(pending));
}

/// One text that fails where others do not has failed; without them it is the server that did.
void Dispatcher::fail_often(const Pending& pending, const Error& error) {
  if (none_answered_since(pending)) return fail(pending.batch, *failure_);
  if (pending.role == Role::kQuery || !worked_) return fail(pending.batch, error);
  Error own = error;
  own.kind = ErrorKind::kInvalidData;
  own.message = "this text failed " + std::to_string(pending.failures) + " times: " + own.message;
  fail(pending.batch, own);
}

void Dispatcher::fail(const policy::Batch& batch, const Error& error) {
  for (const auto& piece : batch.pieces) {
    suspects_.erase(piece.id);
    finished_.push_back({piece.id, error});
  }
}

/// All that waits; what is in flight ends by itself.
void Dispatcher::fail_all(const Error& error) {
  if (head_) drop_head(error);
  for (const Pending& pending : again_) fail(pending.batch, error);
  again_.clear();
  for (auto& planner : planners_) {
    while (const auto batch = planner.next(policy::kNever)) fail(*batch, error);
  }
}

void Dispatcher::cancel(TextId first, TextId last, const Error& error) {
  const auto take = [&](TextId id) {
    if (id < first || id >= last) return false;
    suspects_.erase(id);
    finished_.push_back({id, error});
    return true;
  };
  const auto shrink = [&](Pending& pending) {
    std::erase_if(pending.batch.pieces, [&](const policy::Piece& piece) { return take(piece.id); });
    return pending.batch.pieces.empty();
  };
  for (auto& planner : planners_) planner.drop(take);
  for (Pending& pending : again_) shrink(pending);
  std::erase_if(again_, [](const Pending& pending) { return pending.batch.pieces.empty(); });
  if (head_ && shrink(*head_)) head_.reset();
}

std::vector<Dispatcher::Finished> Dispatcher::take_finished() {
  return std::exchange(finished_, {});
}

}  // namespace vecmill::remote
