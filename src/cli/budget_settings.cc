#include "vecmill/cli/budget_settings.h"

#include <algorithm>
#include <array>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/output.h"

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

/// As TOML writes a part of a key.
std::string key_part(const std::string& name) {
  const bool is_bare = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  return is_bare ? name : json_text(name);
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
  origins_[std::string(key)] = entry.where;
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

std::vector<TomlEntry> BudgetTables::rows() const {
  const auto said = [&](const std::string& key) {
    const auto found = origins_.find(key);
    return found == origins_.end() ? "default" : found->second;
  };
  std::vector<TomlEntry> rows{{"budget.warn_at", pace_.warn_at, said("warn_at")},
                              {"budget.slow_at", pace_.slow_at, said("slow_at")}};
  const std::vector<TomlEntry> usual = rows;
  for (const auto& [name, budget] : scoped_) {
    const std::string table =
        "budget." + (budget.tenant.empty() ? "tag." + key_part(budget.tag)
                                           : "tenant." + key_part(budget.tenant));
    const auto add = [&](const char* key, const std::string& value, const TomlEntry* other) {
      if (!value.empty()) {
        rows.push_back({table + "." + key, value, said(name + "." + key)});
      } else if (other != nullptr) {
        rows.push_back({table + "." + key, other->value, other->where});
      }
    };
    add("day", budget.day, nullptr);
    add("month", budget.month, nullptr);
    add("warn_at", budget.warn_at, &usual[0]);
    add("slow_at", budget.slow_at, &usual[1]);
  }
  return rows;
}

}  // namespace vecmill::cli
