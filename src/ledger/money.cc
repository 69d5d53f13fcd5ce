#include "vecmill/ledger/money.h"

#include <charconv>
#include <numeric>

#include "vecmill/base/wide.h"

namespace vecmill::ledger {
namespace {

constexpr Money kDollar = 1'000'000'000;
constexpr std::size_t kPlaces = 9;

std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || at != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Money> parse_dollars(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = digits(text.substr(0, point));
  if (!whole || *whole > ~Money{0} / kDollar - 1) return std::nullopt;
  if (point == std::string_view::npos) return *whole * kDollar;
  std::string places(text.substr(point + 1));
  if (places.empty() || places.size() > kPlaces) return std::nullopt;
  places.resize(kPlaces, '0');
  const auto part = digits(places);
  if (!part) return std::nullopt;
  return *whole * kDollar + *part;
}

std::optional<Money> parse_price(std::string_view text) {
  const auto price = parse_dollars(text);
  return price && *price <= kMaxPrice ? price : std::nullopt;
}

std::string format_dollars(Money money) {
  std::string places = std::to_string(kDollar + money % kDollar).substr(1);
  while (places.size() > 2 && places.back() == '0') places.pop_back();
  return std::to_string(money / kDollar) + "." + places;
}

Money cost_of(std::uint64_t tokens, Money price_per_million) {
  return scale_up(tokens, price_per_million, 1'000'000);
}

std::vector<Money> share_cost(Money cost, std::span<const std::uint32_t> tokens) {
  const auto total = std::accumulate(tokens.begin(), tokens.end(), std::uint64_t{0});
  std::vector<Money> shares;
  std::uint64_t before = 0;
  Money given = 0;
  for (const std::uint32_t n : tokens) {
    before += total == 0 ? 1 : n;
    const Money until = scale_down(cost, before, total == 0 ? tokens.size() : total);
    shares.push_back(until - given);
    given = until;
  }
  return shares;
}

}  // namespace vecmill::ledger
