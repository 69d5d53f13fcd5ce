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
std::uint64_t token_burst(std::uint64_t per_minute) {
  return std::max(per_minute / 40, std::min(per_minute / 4, kLeastTokens));
}

constexpr std::size_t kRequestLimit = 1;  // its place among them

/// No request is cut that the limits never let through.
policy::BatchSize batch_within(const std::vector<policy::Limit>& limits, policy::BatchSize batch) {
  for (const policy::Limit& limit : limits) {
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
                                                  token_burst(options.tokens_per_minute),
                                                  kTheirMinute));
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
  if (hopeless_) {
    finished_.push_back({text, *hopeless_});
    return;
  }
  planner(role).add(now, {text, tokens ? *tokens : estimate_.tokens(bytes), bytes});
}

bool Dispatcher::find_head(Time now) {
  if (head_) return true;
  if (waits_for_money()) return false;
  const auto due = std::ranges::min_element(again_, {}, &Pending::ready);
  if (due != again_.end() && due->ready <= now) {
    head_ = std::move(*due);
    again_.erase(due);
    return true;
  }
  for (std::size_t i = 0; i < kRoles; ++i) {
    planners_[i].aim_at_tokens(target_.tokens());
    if (auto batch = planners_[i].next(now)) {
      head_ = Pending{std::move(*batch), static_cast<Role>(i), policy::Retry(options_.retry)};
      return true;
    }
  }
  return false;
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
    if (texts == 1 && amount <= limit.count) amount = std::min(amount, limit.burst);
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
  for (Pending& pending : again_) pending.retry = policy::Retry(options_.retry);
  if (head_) head_->retry = policy::Retry(options_.retry);
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
/// when the budget ends comes before what is not.
bool Dispatcher::waits_for_money() const {
  return !calls_.empty() &&
         std::ranges::find(again_, policy::kNever, &Pending::ready) != again_.end();
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
  if (waits_for_money()) return policy::kNever;
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
  if (hopeless_ && result.outcome != Outcome::kSuccess) return fail(call.pending.batch, *hopeless_);
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
  hopeless_ = error;
  fail(batch, error);
  fail_all(error);
}

/// What the end of a call tells limiter, rate, breaker and timeout.
void Dispatcher::settle(Time now, const Call& call, const CallResult& result) {
  const Duration took = now - call.sent;
  policy::Demand used = call.demand;
  if (result.tokens > 0) used[Unit::kTokens] = result.tokens;
  limiter_.settle(call.grant, used);
  breaker_.report(now, call.pass, result.outcome, took);
  if (outage()) forgive();
  for (const RateReading& reading : result.rates) {
    const auto limit = std::ranges::find(limits_, reading.unit, &policy::Limit::unit);
    if (limit == limits_.end()) continue;
    limiter_.observe(now, static_cast<std::size_t>(limit - limits_.begin()), reading.remaining,
                     reading.reset);
  }
  if (result.outcome != Outcome::kTransient) {
    failure_.reset();
  } else {
    if (!failure_) failing_since_ = now;
    leave_out_pause(now);
    last_failure_ = now;
    failure_ = result.error;
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
  refusals_ = 0;
  for (std::size_t i = 0; i < batch.pieces.size(); ++i) {
    finished_.push_back({batch.pieces[i].id, std::move(result.embeddings[i])});
  }
}

void Dispatcher::split(const Pending& pending, Outcome outcome, const Error& error) {
  if (!planner(pending.role).refused(pending.batch, outcome)) fail(pending.batch, error);
}

void Dispatcher::refuse(const Call& call, const CallResult& result) {
  ++refusals_;
  if (!worked_ && (result.settings || refusals_ >= kRefusals)) {
    give_up_all(call.pending.batch, *result.error);
  } else if (result.settings) {
    fail(call.pending.batch, *result.error);
  } else {
    split(call.pending, result.outcome, *result.error);
  }
}

void Dispatcher::try_again(Time now, Call& call, const CallResult& result) {
  Pending& pending = call.pending;
  // In an outage work is kept: the breaker lets it go when the server is back.
  const bool kept = outage() && now < give_up();
  if (kept) pending.retry = policy::Retry(options_.retry);
  pending.failing_since = std::min(pending.failing_since, now);
  auto again = kept
                   ? std::optional(now)
                   : pending.retry.after(result.outcome, now, result.retry_after, random_, budget_);
  // A few requests are too few for the breaker to see the outage. A question does not wait.
  if (!again && pending.role != Role::kQuery && none_answered_since(pending) && now < give_up()) {
    pending.retry = policy::Retry(options_.retry);
    again = pending.retry.after(result.outcome, now, result.retry_after, random_, budget_);
  }
  if (!again) return fail(pending.batch, *result.error);
  pending.ready = *again;
  again_.push_back(std::move(pending));
}

void Dispatcher::fail(const policy::Batch& batch, const Error& error) {
  for (const auto& piece : batch.pieces) finished_.push_back({piece.id, error});
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
