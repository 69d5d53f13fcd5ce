#include "vecmill/policy/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace vecmill::policy {
namespace {

/// A number of at least 0 off the front of a text.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(value >= 0)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

Duration wait(double seconds) {
  constexpr double kMost = std::chrono::duration<double>(kLongestWait).count();
  return Duration(std::llround(std::min(seconds, kMost) * 1e9));
}

std::optional<Duration> whole_number(std::string_view text, double unit) {
  const std::optional<double> number = take_number(text);
  if (!number || !text.empty()) return std::nullopt;
  return wait(*number * unit);
}

struct UnitOfTime {
  std::string_view name;
  double seconds;
};

/// Seconds of one unit, taken off the front of a text; 0: there is none.
double take_unit(std::string_view& text) {
  constexpr UnitOfTime kUnitsOfTime[] = {{"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9},
                                         {"h", 3600},  {"m", 60},    {"s", 1}};
  for (const UnitOfTime& unit : kUnitsOfTime) {
    if (text.substr(0, unit.name.size()) != unit.name) continue;
    text.remove_prefix(unit.name.size());
    return unit.seconds;
  }
  return 0;
}

bool fits(char c, char pattern) {
  switch (pattern) {
    case '0': return c >= '0' && c <= '9';
    case 'a': return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    default: return c == pattern;
  }
}

}  // namespace

std::optional<Duration> parse_milliseconds(std::string_view value) {
  return whole_number(value, 1e-3);
}

std::optional<Duration> parse_reset(std::string_view value) {
  if (const auto seconds = whole_number(value, 1)) return seconds;
  if (value.empty()) return std::nullopt;
  double sum = 0;
  while (!value.empty()) {
    const std::optional<double> number = take_number(value);
    const double unit = take_unit(value);
    if (!number || unit == 0) return std::nullopt;
    sum += *number * unit;
  }
  return wait(sum);
}

std::optional<Date> parse_http_date(std::string_view value) {
  constexpr std::string_view kPattern = "aaa, 00 aaa 0000 00:00:00 GMT";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (!std::equal(value.begin(), value.end(), kPattern.begin(), kPattern.end(), fits)) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int n = 0;
    for (const char c : value.substr(at, digits)) n = 10 * n + (c - '0');
    return n;
  };
  const std::size_t month = kMonths.find(value.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::chrono::year_month_day day(std::chrono::year(number(12, 4)),
                                        std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                        std::chrono::day(static_cast<unsigned>(number(5, 2))));
  const int hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
  constexpr int kLeapSecond = 60;
  if (!day.ok() || hour > 23 || minute > 59 || second > kLeapSecond) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<Duration> parse_retry_after(std::string_view value, Date now) {
  if (const auto seconds = whole_number(value, 1)) return seconds;
  const std::optional<Date> date = parse_http_date(value);
  if (!date) return std::nullopt;
  return std::clamp<std::chrono::seconds>(*date - now, std::chrono::seconds(0), kLongestWait);
}

}  // namespace vecmill::policy
