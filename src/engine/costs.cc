#include <memory>
#include <utility>

#include "vecmill/cost.h"
#include "vecmill/engine/spending.h"
#include "vecmill/ledger/advice.h"
#include "vecmill/ledger/report.h"

namespace vecmill {
namespace {

using ledger::format_dollars;

Result<Date> day_of(const std::string& text, Date otherwise, const char* where) {
  if (text.empty()) return otherwise;
  if (const auto day = ledger::parse_day(text)) return Date(*day);
  return make_error(ErrorKind::kInvalidArgument, "\"" + text + "\" is no day", where,
                    "write it like 2026-11-21");
}

Result<std::unique_ptr<ledger::CallLog>> existing(const std::string& place) {
  VECMILL_ASSIGN(const std::string found, engine::ledger_place(place));
  return ledger::open_call_log(found);
}

CostRow row_of(std::vector<std::string> keys, const ledger::Sums& sums) {
  return {std::move(keys),
          sums.calls,
          sums.texts,
          sums.tokens,
          format_dollars(sums.cost),
          format_dollars(sums.held),
          format_dollars(sums.estimated)};
}

const char* name_of(ledger::Saving saving) {
  switch (saving) {
    case ledger::Saving::kDuplicates: return "duplicates";
    case ledger::Saving::kCacheSize: return "cache-size";
    case ledger::Saving::kModel: return "model";
    case ledger::Saving::kBatchApi: return "batch-api";
    case ledger::Saving::kDimensions: return "dimensions";
  }
  return "";
}

}  // namespace

Result<CostReport> cost_report(const CostQuery& query) {
  ledger::ReportOptions options;
  VECMILL_ASSIGN(options.from, day_of(query.from, Date::min(), "--from"));
  VECMILL_ASSIGN(options.to, day_of(query.to, Date::max(), "--to"));
  options.by = query.by;
  options.tenant = query.tenant;
  VECMILL_ASSIGN(const auto log, existing(query.ledger));
  VECMILL_ASSIGN(const ledger::Report found, ledger::make_report(*log, options));
  VECMILL_ASSIGN(const ledger::Projection month,
                 ledger::project_month(*log, engine::ledger_now(), query.tenant));
  CostReport report;
  for (const ledger::ReportRow& row : found.rows) {
    report.rows.push_back(row_of(row.keys, row.sums));
  }
  report.total = row_of({}, found.total);
  report.month = month.month;
  report.so_far = format_dollars(month.so_far);
  report.projected = format_dollars(month.projected);
  report.method = month.method;
  report.csv = ledger::to_csv(found);
  report.json = ledger::to_json(found, month);
  return report;
}

Result<std::vector<BudgetState>> budget_states(const SpendOptions& options) {
  SpendOptions lasting = options;
  lasting.max_cost.clear();  // a run's window ends with it
  VECMILL_ASSIGN(const auto budgets, engine::budgets_of(lasting));
  VECMILL_ASSIGN(std::string place, engine::ledger_place(options.ledger));
  // Null: nothing was ever spent.
  VECMILL_ASSIGN(const auto ledger,
                 ledger::open_ledger({.place = std::move(place), .create = false}));
  std::vector<BudgetState> states;
  for (const ledger::Budget& budget : budgets) {
    if (budget.tenant == "*" || (budget.tag && budget.tag->second == "*")) continue;
    Money used = 0;
    if (ledger) {
      VECMILL_ASSIGN(used, ledger->used(budget, {}, engine::ledger_now()));
    }
    const Money limit = budget.limit.limit;
    states.push_back({ledger::describe(budget), format_dollars(limit), format_dollars(used),
                      format_dollars(limit > used ? limit - used : 0)});
  }
  return states;
}

Result<std::vector<PriceRow>> list_prices(const SpendOptions& options) {
  VECMILL_ASSIGN(const ledger::PriceBook book, engine::prices_of(options));
  std::vector<PriceRow> rows;
  for (const ledger::Price& price : book.all()) {
    const bool newer =
        !rows.empty() && rows.back().provider == price.provider && rows.back().model == price.model;
    if (Date(price.from) > engine::ledger_now()) continue;
    PriceRow row{price.provider,
                 price.model,
                 ledger::format_day(price.from),
                 format_dollars(price.per_million),
                 price.batch ? format_dollars(*price.batch) : std::string(),
                 price.source};
    if (newer) {
      rows.back() = std::move(row);
    } else {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Result<std::vector<CostAdvice>> cost_advice(const CostQuery& query, const SpendOptions& options) {
  ledger::AdviceOptions asked;
  VECMILL_ASSIGN(asked.from, day_of(query.from, Date::min(), "--from"));
  VECMILL_ASSIGN(asked.to, day_of(query.to, Date::max(), "--to"));
  asked.cache_vectors = query.cache_vectors;
  if (!query.storage_price.empty()) {
    VECMILL_ASSIGN(asked.gigabyte_month,
                   engine::parse_money(query.storage_price, "--storage-price"));
  }
  VECMILL_ASSIGN(const ledger::PriceBook book, engine::prices_of(options));
  VECMILL_ASSIGN(const auto log, existing(query.ledger));
  VECMILL_ASSIGN(const auto found, ledger::advise(*log, book, asked));
  std::vector<CostAdvice> advice;
  for (const ledger::Advice& one : found) {
    advice.push_back({name_of(one.saving), one.model, format_dollars(one.saves), one.text});
  }
  return advice;
}

}  // namespace vecmill
