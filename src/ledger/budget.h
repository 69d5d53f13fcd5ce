#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vecmill/base/budget_rule.h"
#include "vecmill/ledger/call.h"
#include "vecmill/result.h"

namespace vecmill::ledger {

/// A limit on spending: in all, of one tenant, or under one tag. "*" as tenant or as value of the
/// tag: of each for itself.
struct Budget {
  BudgetLimit limit;
  std::string tenant = {};
  std::optional<std::pair<std::string, std::string>> tag = {};
  std::optional<BudgetOptions> pace = {};  ///< empty: that of all budgets of the ledger
};

/// "the budget of 5.00 dollars a day of tenant acme"
[[nodiscard]] std::string describe(const Budget& budget);

/// A budget of 0 is one: nothing that costs may be sent.
///   errors  kInvalidArgument: a tenant and a tag; one of a run that has a tenant or a tag
Status check(const std::vector<Budget>& budgets);

/// What the budget sums up for this call; nullopt: the call is none of its business.
[[nodiscard]] std::optional<std::string> scope_for(const Budget& budget, const Call& call);

/// What it sums up (not one of "*"). `run`: whose, if it is that of a run.
[[nodiscard]] std::string scope_of(const Budget& budget, const std::string& run);

}  // namespace vecmill::ledger
