#include "vecmill/ledger/report.h"

#include <algorithm>
#include <functional>
#include <map>

#include "vecmill/base/json_text.h"
#include "vecmill/base/wide.h"
#include "vecmill/ledger/price_book.h"

namespace vecmill::ledger {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using Column = std::function<std::string(const Entry&)>;

constexpr const char* kColumns =
    "day, week, month, provider, model, tenant, run, tag, tag:KEY, project, user, category";

sys_days day_of(const Entry& entry) { return std::chrono::floor<days>(entry.made); }

/// The week that most of its days are in the year of (ISO 8601): "2026-W48".
std::string week_of(sys_days day) {
  const std::chrono::weekday weekday(day);
  const sys_days thursday = day + days(4 - static_cast<int>(weekday.iso_encoding()));
  const std::chrono::year_month_day date(thursday);
  const auto week = (thursday - sys_days(date.year() / 1 / 1)).count() / 7 + 1;
  return format_day(thursday).substr(0, 4) + (week < 10 ? "-W0" : "-W") + std::to_string(week);
}

std::string all_tags(const Entry& entry) {
  std::string text;
  for (const auto& [key, value] : entry.call.tags)
    text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

Result<Column> column(const std::string& name) {
  static const std::map<std::string, Column> known{
      {"day", [](const Entry& e) { return format_day(day_of(e)); }},
      {"week", [](const Entry& e) { return week_of(day_of(e)); }},
      {"month", [](const Entry& e) { return format_day(day_of(e)).substr(0, 7); }},
      {"provider", [](const Entry& e) { return e.call.provider; }},
      {"model", [](const Entry& e) { return e.call.provider + ":" + e.call.model; }},
      {"tenant", [](const Entry& e) { return e.call.tenant; }},
      {"run", [](const Entry& e) { return e.call.run; }},
      {"tag", all_tags}};
  if (const auto found = known.find(name); found != known.end()) return found->second;
  std::string key = name.starts_with("tag:") ? name.substr(4) : "";
  if (name == "project" || name == "user" || name == "category") key = name;
  if (key.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "no report by '" + name + "'", "--by",
                      std::string("it can be by ") + kColumns);
  }
  return [key](const Entry& e) {
    const auto found = e.call.tags.find(key);
    return found == e.call.tags.end() ? std::string() : found->second;
  };
}

void add(Sums& sums, const Entry& entry) {
  ++sums.calls;
  if (is_billed(entry.bill)) sums.texts += entry.texts;
  sums.tokens += entry.tokens;
  sums.cost = add_money(sums.cost, entry.cost);
  sums.held = add_money(sums.held, entry.counted() - entry.cost);
  if (entry.bill == Bill::kEstimated) sums.estimated = add_money(sums.estimated, entry.cost);
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void append_sums(std::string& json, const Sums& sums) {
  json += "\"calls\":" + std::to_string(sums.calls) + ",\"texts\":" + std::to_string(sums.texts) +
          ",\"tokens\":" + std::to_string(sums.tokens) +
          ",\"cost_usd\":" + format_dollars(sums.cost) +
          ",\"held_usd\":" + format_dollars(sums.held) +
          ",\"estimated_usd\":" + format_dollars(sums.estimated);
}

}  // namespace

Result<Report> make_report(CallLog& log, const ReportOptions& options) {
  std::vector<Column> columns;
  for (const std::string& name : options.by) {
    VECMILL_ASSIGN(Column one, column(name));
    columns.push_back(std::move(one));
  }
  Report report{options.by, {}, {}};
  std::map<std::vector<std::string>, Sums> groups;
  VECMILL_TRY(log.for_each({options.from, options.to}, [&](const Entry& entry) {
    if (!options.tenant.empty() && entry.call.tenant != options.tenant) return;
    std::vector<std::string> keys;
    keys.reserve(columns.size());
    for (const Column& of : columns) keys.push_back(of(entry));
    add(groups[keys], entry);
    add(report.total, entry);
  }));
  for (const auto& [keys, sums] : groups) report.rows.push_back({keys, sums});
  return report;
}

std::string to_csv(const Report& report) {
  std::string csv;
  for (const std::string& name : report.by) csv += csv_field(name) + ",";
  csv += "calls,texts,tokens,cost_usd,held_usd,estimated_usd\r\n";
  for (const auto& [keys, sums] : report.rows) {
    for (const std::string& key : keys) csv += csv_field(key) + ",";
    csv += std::to_string(sums.calls) + "," + std::to_string(sums.texts) + "," +
           std::to_string(sums.tokens) + "," + format_dollars(sums.cost) + "," +
           format_dollars(sums.held) + "," + format_dollars(sums.estimated) + "\r\n";
  }
  return csv;
}

std::string to_json(const Report& report, const Projection& projection) {
  std::string json = "{\"rows\":[";
  for (const auto& [keys, sums] : report.rows) {
    if (&keys != &report.rows.front().keys) json += ',';
    json += '{';
    for (std::size_t i = 0; i < keys.size(); ++i) {
      append_json_string(json, report.by[i]);
      json += ':';
      append_json_string(json, keys[i]);
      json += ',';
    }
    append_sums(json, sums);
    json += '}';
  }
  json += "],\"total\":{";
  append_sums(json, report.total);
  json += "},\"month\":{\"month\":";
  append_json_string(json, projection.month);
  json += ",\"so_far_usd\":" + format_dollars(projection.so_far) +
          ",\"projected_usd\":" + format_dollars(projection.projected) + ",\"method\":";
  append_json_string(json, projection.method);
  return json + "}}\n";
}

Result<Projection> project_month(CallLog& log, Date now, const std::string& tenant) {
  constexpr std::int64_t kDays = 7;
  const Date start = start_of(Span::kMonth, now);
  const Date week_ago = now - days(kDays);
  Money month = 0;
  std::vector<std::pair<Date, Money>> recent;
  VECMILL_TRY(log.for_each({std::min(start, week_ago), now + std::chrono::seconds(1)},
                           [&](const Entry& entry) {
                             if (!tenant.empty() && entry.call.tenant != tenant) return;
                             if (entry.made >= start) month = add_money(month, entry.counted());
                             if (entry.made >= week_ago)
                               recent.emplace_back(entry.made, entry.counted());
                           }));
  std::int64_t window = 1;  // days
  if (!recent.empty()) {
    const days age = std::chrono::ceil<days>(now - recent.front().first);
    window = std::clamp<std::int64_t>(age.count(), 1, kDays);
  }
  Money spent = 0;
  for (const auto& [date, money] : recent) {
    if (date >= now - days(window)) spent = add_money(spent, money);
  }
  const auto left = static_cast<std::uint64_t>((end_of(Span::kMonth, start) - now).count());
  const auto length = static_cast<std::uint64_t>(window) * 86'400;
  Projection projection{format_day(std::chrono::floor<days>(now)).substr(0, 7), month, 0, {}};
  projection.projected = add_money(month, scale_up(spent, left, length));
  projection.method = "what was spent this month, and the rate of the last " +
                      (window == 1 ? "day" : std::to_string(window) + " days") +
                      " until the month ends";
  return projection;
}

}  // namespace vecmill::ledger
