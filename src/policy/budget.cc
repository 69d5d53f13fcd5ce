#include "vecmill/policy/budget.h"

namespace vecmill::policy {

Money Budget::Usage::sum() const { return add_money(spent, add_money(reserved, unknown)); }

Budget::Budget(const std::vector<BudgetLimit>& limits, const BudgetOptions& options) {
  for (const BudgetLimit& limit : limits) windows_.push_back({BudgetRule(limit, options)});
}

/// Only ever forwards: a clock that is set back brings no money back.
void Budget::roll(Date now) {
  for (Window& w : windows_) {
    if (now < w.end) continue;
    w.start = start_of(w.rule.limit().span, now);
    w.end = end_of(w.rule.limit().span, w.start);
    w.usage = {};
    w.alerted = false;
  }
}

void Budget::restore(Date now, std::size_t limit, Money spent) {
  roll(now);
  Usage& usage = windows_[limit].usage;
  usage.spent = add_money(usage.spent, spent);
}

Budget::Answer Budget::reserve(Date now, Money amount) {
  roll(now);
  Answer answer{.ask_again = now};
  if (amount == 0) return answer;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const Window& w = windows_[i];
    const Date at = w.rule.ready(w.start, w.usage.sum(), amount);
    if (at > answer.ask_again) {
      answer.ask_again = at;
      answer.limit = i;
      answer.verdict = at < w.end ? Verdict::kThrottled : Verdict::kStopped;
    }
  }
  if (answer.verdict != Verdict::kGranted) return answer;
  answer.reservation = next_++;
  Reservation& reservation = open_[answer.reservation];
  reservation.amount = amount;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    Window& w = windows_[i];
    w.usage.reserved += amount;
    reservation.starts.push_back(w.start);
    if (w.alerted || !w.rule.alerts(w.usage.sum())) continue;
    w.alerted = true;
    answer.alert = i;
  }
  return answer;
}

bool Budget::settle(ReservationId id, Money cost) {
  const auto found = open_.find(id);
  if (found == open_.end()) return false;
  const Reservation& reservation = found->second;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (windows_[i].start != reservation.starts[i]) continue;  // a new day began
    Usage& usage = windows_[i].usage;
    (reservation.unknown ? usage.unknown : usage.reserved) -= reservation.amount;
    usage.spent = add_money(usage.spent, cost);
  }
  open_.erase(found);
  return true;
}

bool Budget::set_unknown(ReservationId id) {
  const auto found = open_.find(id);
  if (found == open_.end() || found->second.unknown) return false;
  Reservation& reservation = found->second;
  reservation.unknown = true;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (windows_[i].start != reservation.starts[i]) continue;
    windows_[i].usage.reserved -= reservation.amount;
    windows_[i].usage.unknown += reservation.amount;
  }
  return true;
}

}  // namespace vecmill::policy
