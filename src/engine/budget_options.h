#pragma once

#include <vector>

#include "vecmill/cost.h"
#include "vecmill/ledger/budget.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// An amount of dollars, as people write it.
///   errors  kInvalidArgument naming `where`
Result<Money> parse_money(const std::string& text, const std::string& where);

/// All budgets of the options, the run's first.
///   errors  kInvalidArgument: no amount of dollars, no part of 1, no tag; see ledger::check
Result<std::vector<ledger::Budget>> budgets_of(const SpendOptions& options);

}  // namespace vecmill::engine
