#include <algorithm>
#include <string>
#include <vector>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/cache_settings.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/cli/words.h"
#include "vecmill/estimate.h"

namespace vecmill::cli {
namespace {

using Line = TableLine;

Line cells(const CostRow& row, const Line& keys) {
  Line line = keys;
  for (const std::uint64_t number : {row.requests, row.texts, row.tokens}) {
    line.push_back(with_commas(number));
  }
  line.push_back(row.cost);
  line.push_back(row.held);
  line.push_back(row.estimated);
  return line;
}

CostQuery query_of(const Settings& settings) {
  CostQuery query;
  query.by.clear();
  for (const std::string_view column : split_words(settings.text("by"), ',')) {
    query.by.emplace_back(column);
  }
  query.from = settings.text("from");
  query.to = settings.text("to");
  query.ledger = settings.text("ledger");
  query.tenant = settings.text("tenant");
  return query;
}

Result<ExitCode> report(const Settings& settings) {
  const CostQuery query = query_of(settings);
  VECMILL_ASSIGN(const CostReport found, cost_report(query));
  if (settings.on("csv") || settings.on("json")) {
    std::string text = settings.on("csv") ? found.csv : found.json;
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    VECMILL_TRY(print(text));
    return kExitOk;
  }
  Line head = query.by;
  for (const char* name : {"requests", "texts", "tokens", "dollars", "held", "estimated"})
    head.emplace_back(name);
  std::vector<Line> lines{head};
  for (const CostRow& row : found.rows) lines.push_back(cells(row, row.keys));
  Line total(query.by.size());
  if (!total.empty()) total[0] = "in all";
  lines.push_back(cells(found.total, total));
  VECMILL_TRY(print_table(lines, query.by.size()));
  if (!settings.on("quiet")) {
    say(found.month + ": $" + found.so_far + " so far, $" + found.projected +
        " at its end, if it goes on so (" + found.method + ")");
  }
  return kExitOk;
}

Result<ExitCode> budget(const Settings& settings) {
  VECMILL_ASSIGN(const SpendOptions options, spend_options(settings));
  VECMILL_ASSIGN(const auto states, budget_states(options));
  if (settings.on("json")) {
    VECMILL_TRY(print(json_array(states, [](const BudgetState& state) {
      return JsonObject()
          .text("budget", state.name)
          .text("limit_usd", state.limit)
          .text("used_usd", state.used)
          .text("left_usd", state.left)
          .line();
    })));
    return kExitOk;
  }
  if (states.empty()) say("there is no budget; set budget.day or budget.month in vecmill.toml");
  for (const BudgetState& state : states) {
    VECMILL_TRY(print(state.name + ": $" + state.used + " used, $" + state.left + " left"));
  }
  return kExitOk;
}

Result<ExitCode> prices(const Settings& settings) {
  VECMILL_ASSIGN(const SpendOptions options, spend_options(settings));
  VECMILL_ASSIGN(const auto rows, list_prices(options));
  if (settings.on("json")) {
    VECMILL_TRY(print(json_array(rows, [](const PriceRow& row) {
      JsonObject object;
      object.text("provider", row.provider).text("model", row.model).text("from", row.from);
      object.text("usd_per_million", row.per_million).text("batch_usd_per_million", row.batch);
      return object.text("source", row.source).line();
    })));
    return kExitOk;
  }
  std::vector<Line> lines{{"provider", "model", "since", "dollars per million", "batch API"}};
  for (const PriceRow& row : rows) {
    lines.push_back({row.provider, row.model, row.from, row.per_million, row.batch});
  }
  VECMILL_TRY(print_table(lines, 3));
  return kExitOk;
}

/// How many vectors like those that it has a cache takes; 0: there is none.
Result<std::uint64_t> cache_room(const Settings& settings) {
  VECMILL_ASSIGN(const CacheStatus cache, cache_status(cache_options(settings)));
  if (cache.rows == 0 || cache.bytes == 0) return 0;
  return cache.max_bytes / std::max<std::uint64_t>(1, cache.bytes / cache.rows);
}

Result<ExitCode> advice(const Settings& settings) {
  VECMILL_ASSIGN(const SpendOptions options, spend_options(settings));
  CostQuery query = query_of(settings);
  query.storage_price = settings.text("storage-price");
  VECMILL_ASSIGN(query.cache_vectors, cache_room(settings));
  VECMILL_ASSIGN(const auto found, cost_advice(query, options));
  if (settings.on("json")) {
    VECMILL_TRY(print(json_array(found, [](const CostAdvice& one) {
      JsonObject object;
      object.text("kind", one.kind).text("model", one.model).text("saves_usd", one.saves);
      return object.text("text", one.text).line();
    })));
    return kExitOk;
  }
  if (found.empty()) say("nothing would have cost less");
  for (const CostAdvice& one : found) {
    VECMILL_TRY(print("$" + one.saves + "\t" + one.model + "\t" + one.text));
  }
  return kExitOk;
}

std::string estimate_json(const Estimate& one) {
  JsonObject object;
  object.text("model", one.model).count("texts", one.texts);
  if (!one.problem.empty()) return object.text("problem", one.problem).line();
  object.count("tokens", one.tokens).yes("exact", one.exact).text("cost_usd", one.cost);
  return object.number("seconds", one.seconds).line();
}

/// "2.5 h", "13 min", "8 s".
std::string duration(double seconds) {
  if (seconds <= 0) return "?";
  if (seconds >= 2 * 3600) return fixed(seconds / 3600, 1) + " h";
  if (seconds >= 120) return fixed(seconds / 60, 0) + " min";
  return fixed(seconds, seconds < 10 ? 1 : 0) + " s";
}

}  // namespace

Result<ExitCode> run_cost(const Invocation& invocation) {
  const auto& words = invocation.arguments;
  const std::string what = words.size() == 1 ? words[0] : "";
  if (what == "report") return report(invocation.settings);
  if (what == "budget") return budget(invocation.settings);
  if (what == "prices") return prices(invocation.settings);
  if (what == "advice") return advice(invocation.settings);
  constexpr std::string_view kVerbs[] = {"report", "budget", "prices", "advice"};
  return make_error(ErrorKind::kInvalidArgument, "cost: report, budget, prices or advice", {},
                    what.empty() ? "" : suggestion(what, kVerbs));
}

Result<ExitCode> run_estimate(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (invocation.arguments.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "there is nothing to estimate", {},
                      "name a file or a folder");
  }
  ModelOptions options = model_options(settings);
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  std::vector<ModelOptions> models;
  for (const std::string_view name : split_words(settings.text("models"), ',')) {
    options.model = name;
    models.push_back(options);
  }
  if (models.empty()) models.push_back(options);
  const Interrupt interrupt;
  const auto found = estimate(read_job(settings, invocation.arguments), models, interrupt.stop());
  if (!found && found.error().kind == ErrorKind::kCancelled) return interrupt.exit_code();
  VECMILL_TRY(found);
  if (settings.on("json")) {
    VECMILL_TRY(print(json_array(*found, estimate_json)));
  } else {
    std::vector<Line> lines{{"model", "texts", "tokens", "dollars", "time"}};
    for (const Estimate& one : *found) {
      if (!one.problem.empty()) continue;
      lines.push_back({one.model, with_commas(one.texts),
                       (one.exact ? "" : "about ") + with_commas(one.tokens), one.cost,
                       duration(one.seconds)});
    }
    if (lines.size() > 1) VECMILL_TRY(print_table(lines, 1));
  }
  std::size_t usable = 0;
  for (const Estimate& one : *found) {
    if (one.problem.empty()) ++usable;
    if (!one.problem.empty() && !settings.on("json")) say(one.problem);
  }
  return usable > 0 ? kExitOk : kExitNegative;
}

}  // namespace vecmill::cli
