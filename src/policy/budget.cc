#include "vecmill/policy/budget.h"

#include <algorithm>

#include "vecmill/policy/wide.h"

namespace vecmill::policy {
namespace {

using std::chrono::days;
using std::chrono::months;

Money percent(Money limit, int percent) {
  return scale_down(limit, static_cast<std::uint64_t>(std::clamp(percent, 0, 100)), 100);
}

/// Stops at the top: a reply can claim any cost.
Money add(Money a, Money b) { return a + std::min(b, ~Money{0} - a); }

Date start_of(Span span, Date now) {
  const auto day = std::chrono::floor<days>(now);
  if (span == Span::kDay) return day;
  const std::chrono::year_month_day date(day);
  return std::chrono::sys_days(date.year() / date.month() / 1);
}

Date end_of(Span span, Date start) {
  if (span == Span::kDay) return start + days(1);
  const std::chrono::year_month_day date(std::chrono::floor<days>(start));
  return std::chrono::sys_days(date + months(1));
}

}  // namespace

Money Budget::Usage::sum() const { return add(spent, add(reserved, unknown)); }

Budget::Budget(const std::vector<BudgetLimit>& limits, const BudgetOptions& options) {
  for (const BudgetLimit& limit : limits) {
    windows_.push_back({limit, percent(limit.limit, options.alert_percent),
                        percent(limit.limit, options.throttle_percent)});
    if (limit.span == Span::kRun) windows_.back().end = Date::max();
  }
}

/// Only ever forwards: a clock that is set back brings no money back.
void Budget::roll(Date now) {
  for (Window& w : windows_) {
    if (now < w.end) continue;
    w.start = start_of(w.limit.span, now);
    w.end = end_of(w.limit.span, w.start);
    w.usage = {};
    w.alerted = false;
  }
}

void Budget::restore(Date now, std::size_t limit, Money spent) {
  roll(now);
  Usage& usage = windows_[limit].usage;
  usage.spent = add(usage.spent, spent);
}

/// When a window has room for an amount; a moment that has passed: now.
Date Budget::ready(const Window& w, Money amount) {
  if (amount > w.limit.limit) return Date::max();
  const Money used = w.usage.sum();
  if (amount > w.limit.limit - std::min(used, w.limit.limit)) return w.end;
  const Money after = used + amount;
  if (after <= w.throttle_at || w.limit.span == Span::kRun) return Date::min();
  const auto length = static_cast<std::uint64_t>((w.end - w.start).count());
  return w.start + std::chrono::seconds(
                       scale_up(after - w.throttle_at, length, w.limit.limit - w.throttle_at));
}

Budget::Answer Budget::reserve(Date now, Money amount) {
  roll(now);
  Answer answer{.ask_again = now};
  if (amount == 0) return answer;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (const Date at = ready(windows_[i], amount); at > answer.ask_again) {
      answer.ask_again = at;
      answer.limit = i;
      answer.verdict = at < windows_[i].end ? Verdict::kThrottled : Verdict::kStopped;
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
    if (w.alerted || w.usage.sum() < w.alert_at) continue;
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
    usage.spent = add(usage.spent, cost);
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
