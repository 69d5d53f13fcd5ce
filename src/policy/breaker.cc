#include "vecmill/policy/breaker.h"

namespace vecmill::policy {

void Breaker::enter(State state) {
  state_ = state;
  ++era_;
  failures_ = probing_ = proved_ = 0;
}

void Breaker::open(Time until) {
  enter(State::kOpen);
  until_ = until;
}

Breaker::Pass Breaker::admit(Time now) {
  if (state_ == State::kClosed) return {true, era_, now};
  if (now >= until_) {
    enter(State::kHalfOpen);
    until_ = now + options_.open_for;
  }
  if (state_ == State::kHalfOpen && probing_ < options_.probes) {
    ++probing_;
    return {true, era_, now};
  }
  return {false, era_, until_};
}

void Breaker::cancel(const Pass& pass) {
  if (pass.era == era_ && state_ == State::kHalfOpen) --probing_;
}

void Breaker::report(Time now, const Pass& pass, Outcome outcome, Duration took) {
  if (pass.era != era_) return;
  if (outcome == Outcome::kKeyRefused) return open(now + options_.key_open_for);
  const bool failed =
      outcome == Outcome::kTransient || (outcome == Outcome::kSuccess && took > options_.slow);
  if (failed) {
    if (state_ == State::kHalfOpen || ++failures_ >= options_.failures) {
      open(now + options_.open_for);
    }
    return;
  }
  // Throttled or the caller's fault: no proof that it works, but it answers, as a probe asks.
  if (outcome == Outcome::kSuccess) failures_ = 0;
  if (state_ == State::kHalfOpen && ++proved_ >= options_.probes) enter(State::kClosed);
}

}  // namespace vecmill::policy
