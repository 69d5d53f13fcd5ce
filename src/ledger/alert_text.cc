#include "vecmill/ledger/alert_text.h"

#include "vecmill/base/json_text.h"

namespace vecmill::ledger {
namespace {

std::string window_of(const Alert& alert) {
  const Span span = alert.budget.limit.span;
  if (span == Span::kRun) return "";
  const std::string day = format_day(std::chrono::floor<std::chrono::days>(alert.start));
  return span == Span::kDay ? day : day.substr(0, 7);
}

}  // namespace

std::string alert_line(const Alert& alert) {
  std::string line = describe(alert.budget);
  if (alert.scope != kEverything) line += " (" + alert.scope + ")";
  if (const std::string window = window_of(alert); !window.empty()) line += " on " + window;
  line += alert.level == Alert::Level::kNear ? " is nearly used up: " : " stopped a call: ";
  return line + format_dollars(alert.used) + " dollars are spent or reserved";
}

std::string alert_payload(const Alert& alert) {
  std::string json = "{\"text\":";
  append_json_string(json, alert_line(alert));
  json += ",\"alert\":";
  append_json_string(json, alert.level == Alert::Level::kNear ? "budget_near" : "budget_stopped");
  json += ",\"scope\":";
  append_json_string(json, alert.scope);
  json += ",\"window\":";
  append_json_string(json, window_of(alert));
  return json + ",\"used_usd\":" + format_dollars(alert.used) +
         ",\"limit_usd\":" + format_dollars(alert.budget.limit.limit) + "}";
}

}  // namespace vecmill::ledger
