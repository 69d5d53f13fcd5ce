#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vecmill/budgets.h"
#include "vecmill/result.h"

namespace vecmill {

/// What may be spent on requests to providers that bill, and under which names. Money is written
/// as people do: dollars, decimal, with at most nine places: "5", "0.25". Days and months are those
/// of UTC.
struct SpendOptions {
  std::string max_cost;                       ///< of one engine; empty: no limit
  std::string daily_budget, monthly_budget;   ///< of all that goes through this ledger
  std::string price;                          ///< of a million tokens, where no other is known
  std::string price_file;                     ///< prices beside the built-in ones: docs/cost.md
  std::map<std::string, std::string> tags{};  ///< project, user, category ...: for reports
  std::string ledger;  ///< a file or postgres://…; empty: VECMILL_HOME/ledger.db
  std::string run{};   ///< what max_cost is for; empty: one of its own
  /// For whom: nothing that is cached for one tenant is found for another. Empty: for none.
  std::string tenant{};
  std::vector<ScopedBudget> budgets{};  ///< of tenants and tags
  BudgetPace pace{};                    ///< of all budgets that do not say otherwise
  AlertOptions alerts{};
};

/// What an engine has spent.
struct SpendReport {
  bool used = false;               ///< the model is one of a provider that may bill
  std::uint64_t requests = 0;      ///< sent
  std::uint64_t tokens = 0;        ///< billed
  std::string cost = "0.00";       ///< dollars
  std::string held = "0.00";       ///< what requests whose end is not known may have cost at most
  std::string estimated = "0.00";  ///< of the cost: that of tokens which no reply told
  std::vector<std::string> alerts{};  ///< that a budget is nearly or wholly spent
};

struct CostQuery {
  std::vector<std::string> by = {"day"};  ///< day, week, month, provider, model, tenant, run, tag,
                                          ///< tag:KEY, project, user, category
  std::string from, to;  ///< days, 2026-11-21, `to` not included; empty: all of time
  std::string ledger;
  std::string tenant{};             ///< only its calls; empty: of all
  std::uint64_t cache_vectors = 0;  ///< for advice: so many the cache has room for
  std::string storage_price{};  ///< for advice: dollars for a gigabyte a month; empty: not known
};

struct CostRow {
  std::vector<std::string> keys;  ///< [by]
  std::uint64_t requests = 0, texts = 0, tokens = 0;
  std::string cost, held;
  std::string estimated{};  ///< of the cost
};

struct CostReport {
  std::vector<CostRow> rows;
  CostRow total;
  std::string month, so_far, projected, method;  ///< of the present month
  std::string csv, json;  ///< the rows, for programs; the JSON has the month, too
};

/// All of these: errors  kNotFound: there is no ledger, nothing was ever spent; kIo, kUnsupported,
///                       kInvalidData: the ledger cannot be used; kInvalidArgument: no such column,
///                       no such day, no amount of money, a line of the price file

Result<CostReport> cost_report(const CostQuery& query);

struct BudgetState {
  std::string name;  ///< "the budget of 5.00 dollars a day"
  std::string limit, used, left;
};

/// The budgets of the options that have a window now: those of a day and of a month, but for those
/// of each tenant or each value of a tag ("*").
Result<std::vector<BudgetState>> budget_states(const SpendOptions& options);

struct PriceRow {
  std::string provider, model, from, per_million, batch, source;
};

/// The prices of today.
Result<std::vector<PriceRow>> list_prices(const SpendOptions& options);

struct CostAdvice {
  std::string kind;  ///< duplicates, cache-size, model, batch-api, dimensions
  std::string model, saves, text;
};

/// What could have been saved in the time of the query, the greatest sum first.
Result<std::vector<CostAdvice>> cost_advice(const CostQuery& query, const SpendOptions& options);

}  // namespace vecmill
