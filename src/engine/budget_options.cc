#include "vecmill/engine/budget_options.h"

#include <string>
#include <utility>

#include "vecmill/ledger/money.h"

namespace vecmill::engine {
namespace {

using ledger::Budget;

/// "0.8" is 80 of 100.
Result<int> percent(const std::string& text, const std::string& where) {
  constexpr Money kOne = 1'000'000'000, kHundredth = kOne / 100;
  const auto part = ledger::parse_dollars(text);
  if (part && *part <= kOne && *part % kHundredth == 0) return static_cast<int>(*part / kHundredth);
  return make_error(ErrorKind::kInvalidArgument, "\"" + text + "\" is no part of a budget", where,
                    "write it like 0.8: from 0 to 1, with two places at most");
}

Result<BudgetOptions> pace_of(const std::string& warn_at, const std::string& slow_at,
                              const std::string& where) {
  BudgetOptions pace;
  VECMILL_ASSIGN(pace.alert_percent, percent(warn_at, where + "warn_at"));
  VECMILL_ASSIGN(pace.throttle_percent, percent(slow_at, where + "slow_at"));
  return pace;
}

Status add(const std::string& text, Span span, const std::string& where, Budget budget,
           std::vector<Budget>& budgets) {
  if (text.empty()) return {};
  VECMILL_ASSIGN(const Money limit, parse_money(text, where));
  budget.limit = {span, limit};
  budgets.push_back(std::move(budget));
  return {};
}

Status add_scoped(const ScopedBudget& scoped, const BudgetPace& usual,
                  std::vector<Budget>& budgets) {
  Budget budget;
  budget.tenant = scoped.tenant;
  if (!scoped.tag.empty()) {
    const std::size_t equals = scoped.tag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(ErrorKind::kInvalidArgument, "\"" + scoped.tag + "\" is no tag",
                        scoped.where, "write it like project=search");
    }
    budget.tag = {scoped.tag.substr(0, equals), scoped.tag.substr(equals + 1)};
  }
  if (budget.tenant.empty() && !budget.tag) {
    return make_error(ErrorKind::kInvalidArgument, "a budget of no tenant and no tag", scoped.where,
                      "name one of them");
  }
  const std::string place = scoped.where.empty() ? "" : scoped.where + ": ";
  VECMILL_ASSIGN(budget.pace,
                 pace_of(scoped.warn_at.empty() ? usual.warn_at : scoped.warn_at,
                         scoped.slow_at.empty() ? usual.slow_at : scoped.slow_at, place));
  VECMILL_TRY(add(scoped.day, Span::kDay, place + "day", budget, budgets));
  return add(scoped.month, Span::kMonth, place + "month", budget, budgets);
}

}  // namespace

Result<Money> parse_money(const std::string& text, const std::string& where) {
  if (const auto money = ledger::parse_dollars(text)) return *money;
  return make_error(ErrorKind::kInvalidArgument, "\"" + text + "\" is no amount of dollars", where,
                    "write it like 5 or 0.25");
}

Result<std::vector<Budget>> budgets_of(const SpendOptions& options) {
  std::vector<Budget> budgets;
  Budget all;
  VECMILL_ASSIGN(all.pace, pace_of(options.pace.warn_at, options.pace.slow_at, "budget."));
  VECMILL_TRY(add(options.max_cost, Span::kRun, "--max-cost", all, budgets));
  VECMILL_TRY(add(options.daily_budget, Span::kDay, "budget.day", all, budgets));
  VECMILL_TRY(add(options.monthly_budget, Span::kMonth, "budget.month", all, budgets));
  for (const ScopedBudget& scoped : options.budgets) {
    VECMILL_TRY(add_scoped(scoped, options.pace, budgets));
  }
  VECMILL_TRY(ledger::check(budgets));
  return budgets;
}

}  // namespace vecmill::engine
