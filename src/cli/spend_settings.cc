#include "vecmill/cli/spend_settings.h"

#include "vecmill/cli/output.h"
#include "vecmill/cli/words.h"

namespace vecmill::cli {

Result<SpendOptions> spend_options(const Settings& settings) {
  SpendOptions options;
  options.max_cost = settings.text("max-cost");
  options.daily_budget = settings.text("daily-budget");
  options.monthly_budget = settings.text("monthly-budget");
  options.price = settings.text("price");
  options.price_file = settings.text("prices");
  options.ledger = settings.text("ledger");
  options.tenant = settings.text("tenant");
  options.budgets = settings.budgets().budgets();
  options.pace = settings.budgets().pace();
  options.alerts.webhook = settings.text("alert-webhook");
  options.alerts.secret_env = settings.text("alert-secret-env");
  options.alerts.progress = std::chrono::seconds(settings.seconds("alert-progress"));
  options.alerts.tell = [json = settings.on("json")](const SpendAlert& alert) {
    if (!json) say((is_terminal() ? "\r\033[K" : "") + alert.line);  // over the progress
    if (json && !alert.json.empty()) say(alert.json);
  };
  for (const std::string_view tag : split_words(settings.text("tag"), ',')) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return make_error(ErrorKind::kInvalidArgument, "\"" + std::string(tag) + "\" is no tag",
                        "--tag", "write it like project=search");
    }
    options.tags.insert_or_assign(std::string(tag.substr(0, equals)),
                                  std::string(tag.substr(equals + 1)));
  }
  return options;
}

std::vector<std::string> tag_fields(const Settings& settings) {
  std::vector<std::string> fields;
  for (const std::string_view field : split_words(settings.text("tag-field"), ',')) {
    fields.emplace_back(field);
  }
  return fields;
}

std::string spend_json(const SpendReport& report) {
  JsonObject object;
  object.yes("used", report.used).count("requests", report.requests);
  object.count("tokens", report.tokens).text("cost_usd", report.cost);
  object.text("held_usd", report.held).text("estimated_usd", report.estimated);
  object.raw("alerts", json_array(report.alerts, json_text));
  return object.line();
}

void say_spend(const SpendReport& report) {
  if (!report.used) return;
  say("spent $" + report.cost + " on " + with_commas(report.requests) +
      (report.requests == 1 ? " request (" : " requests (") + with_commas(report.tokens) +
      " tokens)");
  if (report.estimated != "0.00") {
    say("$" + report.estimated +
        " of it is an estimate: replies did not say how many tokens they had");
  }
  if (report.held != "0.00") {
    say("up to $" + report.held + " more may be billed for requests whose end is not known");
  }
}

}  // namespace vecmill::cli
