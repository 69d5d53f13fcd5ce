#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/budgets.h"
#include "vecmill/cli/toml_file.h"
#include "vecmill/result.h"

namespace vecmill::cli {

/// What stands below [budget] in configuration files beside `day` and `month`:
///   warn_at, slow_at
///   [budget.tag."project=search"], [budget.tenant.acme] with day, month, warn_at, slow_at
class BudgetTables {
 public:
  /// Whether a key is one of these tables', right or wrong.
  [[nodiscard]] static bool has(std::string_view key) { return key.starts_with("budget."); }

  /// What is given twice is as it was given last.
  ///   errors  kInvalidArgument naming the place and the nearest key
  Status add(const TomlEntry& entry);

  [[nodiscard]] std::vector<ScopedBudget> budgets() const;
  [[nodiscard]] const BudgetPace& pace() const { return pace_; }

  /// What holds, of each budget also what it has from all of them: keys as a file has them, values,
  /// and who said so ("path:line" or "default").
  [[nodiscard]] std::vector<TomlEntry> rows() const;

 private:
  std::map<std::string, ScopedBudget> scoped_;  // by "tag.project=search"
  BudgetPace pace_;
  std::map<std::string, std::string, std::less<>> origins_;  // by "tag.project=search.month"
};

}  // namespace vecmill::cli
