#include "vecmill/ledger/budget.h"

namespace vecmill::ledger {

std::string describe(const Budget& budget) {
  std::string text = "the budget of " + format_dollars(budget.limit.limit) + " dollars a ";
  text += budget.limit.span == Span::kRun   ? "run"
          : budget.limit.span == Span::kDay ? "day"
                                            : "month";
  if (!budget.tenant.empty()) text += " of tenant " + budget.tenant;
  if (budget.tag) text += " for " + budget.tag->first + "=" + budget.tag->second;
  return text;
}

Status check(const std::vector<Budget>& budgets) {
  for (const Budget& budget : budgets) {
    const auto wrong = [&](const char* what, const char* hint) {
      return make_error(ErrorKind::kInvalidArgument, what, describe(budget), hint);
    };
    if (!budget.tenant.empty() && budget.tag)
      return wrong("has a tenant and a tag", "give one budget for each");
    if (budget.limit.span == Span::kRun && (!budget.tenant.empty() || budget.tag))
      return wrong("a run has one budget", "give it without tenant and tag");
  }
  return {};
}

std::optional<std::string> scope_for(const Budget& budget, const Call& call) {
  if (budget.limit.span == Span::kRun) return run_scope(call.run);
  if (!budget.tenant.empty()) {
    if (call.tenant.empty()) return std::nullopt;
    if (budget.tenant != "*" && budget.tenant != call.tenant) return std::nullopt;
    return tenant_scope(call.tenant);
  }
  if (!budget.tag) return kEverything;
  const auto& [key, value] = *budget.tag;
  const auto found = call.tags.find(key);
  if (found == call.tags.end() || (value != "*" && value != found->second)) return std::nullopt;
  return tag_scope(key, found->second);
}

std::string scope_of(const Budget& budget, const std::string& run) {
  if (budget.limit.span == Span::kRun) return run_scope(run);
  if (!budget.tenant.empty()) return tenant_scope(budget.tenant);
  return budget.tag ? tag_scope(budget.tag->first, budget.tag->second) : kEverything;
}

}  // namespace vecmill::ledger
