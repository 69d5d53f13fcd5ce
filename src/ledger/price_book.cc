#include "vecmill/ledger/price_book.h"

#include <array>
#include <charconv>

#include "vecmill/base/check.h"
#include "vecmill/base/utf8.h"

namespace vecmill::ledger {
namespace {

using std::chrono::sys_days;

constexpr std::string_view kBuiltIn =
#include "vecmill/ledger/prices.inc"
    ;

constexpr std::size_t kColumns = 8;
constexpr std::size_t kNeeded = 4;  // those from the batch price on may be missing

/// The last column takes the rest of the line, commas too.
std::size_t split(std::string_view line, std::array<std::string_view, kColumns>& columns) {
  std::size_t n = 0;
  while (n + 1 < kColumns) {
    const std::size_t comma = line.find(',');
    columns[n++] = line.substr(0, comma);
    if (comma == std::string_view::npos) return n;
    line.remove_prefix(comma + 1);
  }
  columns[n++] = line;
  return n;
}

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || at != end) return std::nullopt;
  return value;
}

/// "256 512"
std::optional<std::vector<std::uint32_t>> parse_dims(std::string_view text) {
  std::vector<std::uint32_t> dims;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const auto one = digits(text.substr(0, space));
    if (!one || *one == 0 || (!dims.empty() && *one <= dims.back())) return std::nullopt;
    dims.push_back(*one);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return dims;
}

Result<Price> parse_line(std::string_view line, const std::string& where) {
  const auto wrong = [&](const char* what) {
    return make_error(ErrorKind::kInvalidData, what, where,
                      "a line is provider,model,YYYY-MM-DD,dollars per million tokens");
  };
  std::array<std::string_view, kColumns> columns;
  if (!is_valid_utf8(line)) return wrong("is not UTF-8");
  if (split(line, columns) < kNeeded) return wrong("has fewer than four columns");
  const auto& [provider, model, from, price, batch, space, dims, source] = columns;
  if (provider.empty() || model.empty()) return wrong("names no provider or no model");
  const auto day = parse_day(from);
  if (!day) return wrong("the third column is no date");
  const auto dollars = parse_price(price);
  if (!dollars) return wrong("the fourth column is no price");
  const auto batch_dollars = batch.empty() ? dollars : parse_price(batch);
  if (!batch_dollars) return wrong("the fifth column is no price");
  const auto sizes = parse_dims(dims);
  if (!sizes) return wrong("the seventh column is no list of dimensions, the smallest first");
  Price result{std::string(provider), std::string(model), *day, *dollars};
  if (!batch.empty()) result.batch = batch_dollars;
  result.space = space;
  result.dims = *sizes;
  result.source = source;
  return result;
}

}  // namespace

std::string format_day(sys_days day) {
  const std::chrono::year_month_day date(day);
  const auto two = [](unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  std::string year = std::to_string(static_cast<int>(date.year()));
  if (year.size() < 4 && year[0] != '-') year.insert(0, 4 - year.size(), '0');
  return year + "-" + two(static_cast<unsigned>(date.month())) + "-" +
         two(static_cast<unsigned>(date.day()));
}

std::optional<sys_days> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const auto date = std::chrono::year(static_cast<int>(*year)) / std::chrono::month(*month) /
                    std::chrono::day(*day);
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

PriceBook PriceBook::built_in() {
  PriceBook book;
  const Status read = book.add(kBuiltIn, "built-in prices");
  VECMILL_CHECK(read.has_value());
  return book;
}

Status PriceBook::add(std::string_view text, const std::string& where) {
  std::map<Model, std::map<sys_days, Price>> added;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::string place = where + ":" + std::to_string(number);
    VECMILL_ASSIGN(Price price, parse_line(line, place));
    auto& days = added[{price.provider, price.model}];
    const sys_days from = price.from;
    if (!days.emplace(from, std::move(price)).second) {
      return make_error(ErrorKind::kInvalidData, "a second price of one model and day", place,
                        "keep the one that is right");
    }
  }
  for (auto& [model, days] : added) {
    for (auto& [from, price] : days) models_[model].insert_or_assign(from, std::move(price));
  }
  return {};
}

Result<Price> PriceBook::find(std::string_view provider, std::string_view model, Date date) const {
  const std::string name = std::string(provider) + ":" + std::string(model);
  const sys_days day = std::chrono::floor<std::chrono::days>(date);
  auto days = models_.find({std::string(provider), std::string(model)});
  if (days == models_.end()) days = models_.find({std::string(provider), "*"});
  const std::string hint = "add the line '" + std::string(provider) + "," + std::string(model) +
                           "," + format_day(day) + ",DOLLARS-PER-MILLION-TOKENS' to your prices";
  if (days == models_.end())
    return make_error(ErrorKind::kInvalidArgument, "no price is known", name, hint);
  const auto later = days->second.upper_bound(day);
  if (later == days->second.begin()) {
    return make_error(ErrorKind::kInvalidArgument,
                      "no price is known for " + format_day(day) + ", the first one is of " +
                          format_day(later->first),
                      name, hint);
  }
  return std::prev(later)->second;
}

std::vector<Price> PriceBook::all() const {
  std::vector<Price> prices;
  for (const auto& [model, days] : models_) {
    for (const auto& [from, price] : days) prices.push_back(price);
  }
  return prices;
}

}  // namespace vecmill::ledger
