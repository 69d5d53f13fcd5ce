#include "vecmill/cli/budget_settings.h"

#include <array>

#include "vecmill/base/suggest.h"

namespace vecmill::cli {
namespace {

constexpr auto kKeys = std::to_array<std::string_view>({"day", "month", "warn_at", "slow_at"});
constexpr auto kTables =
    std::to_array<std::string_view>({"day", "month", "warn_at", "slow_at", "tag", "tenant"});

Error unknown(const TomlEntry& entry, std::string_view word, bool scoped) {
  std::string hint = scoped ? suggestion(word, kKeys) : suggestion(word, kTables);
  if (hint.empty()) {
    hint = scoped ? "it has day, month, warn_at and slow_at"
                  : "there are day, month, warn_at, slow_at, [budget.tag.\"KEY=VALUE\"] and "
                    "[budget.tenant.NAME]";
  }
  return make_error(ErrorKind::kInvalidArgument, "unknown key " + entry.key, entry.where, hint);
}

std::string* member(ScopedBudget& budget, std::string_view key) {
  if (key == "day") return &budget.day;
  if (key == "month") return &budget.month;
  if (key == "warn_at") return &budget.warn_at;
  if (key == "slow_at") return &budget.slow_at;
  return nullptr;
}

}  // namespace

Status BudgetTables::add(const TomlEntry& entry) {
  const std::string_view key = std::string_view(entry.key).substr(entry.key.find('.') + 1);
  if (key == "warn_at" || key == "slow_at") {
    (key == "warn_at" ? pace_.warn_at : pace_.slow_at) = entry.value;
    return {};
  }
  const std::string_view table = key.substr(0, key.find('.'));
  if (table != "tag" && table != "tenant") return unknown(entry, table, false);
  // A name may have dots in it, what a budget has does not.
  const std::size_t dot = key.rfind('.');
  const std::string_view name = dot > table.size() && dot != std::string_view::npos
                                    ? key.substr(table.size() + 1, dot - table.size() - 1)
                                    : std::string_view();
  if (name.empty()) {
    return make_error(ErrorKind::kInvalidArgument, entry.key + " is of no one", entry.where,
                      table == "tag" ? "write it below [budget.tag.\"project=search\"]"
                                     : "write it below [budget.tenant.NAME]");
  }
  ScopedBudget budget;
  const std::string_view last = key.substr(dot + 1);
  if (member(budget, last) == nullptr) return unknown(entry, last, true);
  ScopedBudget& known = scoped_[std::string(key.substr(0, dot))];
  (table == "tag" ? known.tag : known.tenant) = name;
  *member(known, last) = entry.value;
  known.where = entry.where;
  return {};
}

std::vector<ScopedBudget> BudgetTables::budgets() const {
  std::vector<ScopedBudget> list;
  for (const auto& [key, budget] : scoped_) list.push_back(budget);
  return list;
}

}  // namespace vecmill::cli
