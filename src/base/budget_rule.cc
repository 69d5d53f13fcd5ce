#include "vecmill/base/budget_rule.h"

#include <algorithm>

#include "vecmill/base/wide.h"

namespace vecmill {
namespace {

using std::chrono::days;
using std::chrono::months;

Money percent(Money limit, int percent) {
  return scale_down(limit, static_cast<std::uint64_t>(std::clamp(percent, 0, 100)), 100);
}

}  // namespace

Date start_of(Span span, Date now) {
  if (span == Span::kRun) return Date::min();
  const auto day = std::chrono::floor<days>(now);
  if (span == Span::kDay) return day;
  const std::chrono::year_month_day date(day);
  return std::chrono::sys_days(date.year() / date.month() / 1);
}

Date end_of(Span span, Date start) {
  if (span == Span::kRun) return Date::max();
  if (span == Span::kDay) return start + days(1);
  const std::chrono::year_month_day date(std::chrono::floor<days>(start));
  return std::chrono::sys_days(date + months(1));
}

BudgetRule::BudgetRule(const BudgetLimit& limit, const BudgetOptions& options)
    : limit_(limit),
      alert_at_(percent(limit.limit, options.alert_percent)),
      throttle_at_(percent(limit.limit, options.throttle_percent)) {}

Date BudgetRule::ready(Date start, Money used, Money amount) const {
  if (amount > limit_.limit) return Date::max();
  const Date end = end_of(limit_.span, start);
  if (amount > limit_.limit - std::min(used, limit_.limit)) return end;
  const Money after = used + amount;
  if (after <= throttle_at_ || limit_.span == Span::kRun) return Date::min();
  const auto length = static_cast<std::uint64_t>((end - start).count());
  return start +
         std::chrono::seconds(scale_up(after - throttle_at_, length, limit_.limit - throttle_at_));
}

Money BudgetRule::most(Date start, Date now) const {
  if (limit_.span == Span::kRun) return limit_.limit;
  const Date end = end_of(limit_.span, start);
  const auto gone = static_cast<std::uint64_t>((std::clamp(now, start, end) - start).count());
  return throttle_at_ + scale_down(limit_.limit - throttle_at_, gone,
                                   static_cast<std::uint64_t>((end - start).count()));
}

}  // namespace vecmill
