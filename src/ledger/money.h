#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/budget_rule.h"

namespace vecmill::ledger {

/// Above these a number is a slip or a lie; below them no sum of calls overflows.
inline constexpr std::uint64_t kMaxTokens = 1'000'000'000;     ///< of one call
inline constexpr Money kMaxPrice = 10'000ULL * 1'000'000'000;  ///< of a million tokens

/// "0.02" → 20,000,000. Plain decimals with up to nine places, exactly; nullopt for all else.
[[nodiscard]] std::optional<Money> parse_dollars(std::string_view text);

/// The same of a million tokens: nullopt for more than kMaxPrice, too.
[[nodiscard]] std::optional<Money> parse_price(std::string_view text);

/// 20,000,000 → "0.02": all digits that count, never fewer than two places.
[[nodiscard]] std::string format_dollars(Money money);

/// What tokens cost, rounded up to a billionth of a dollar. At most kMaxTokens, kMaxPrice.
[[nodiscard]] Money cost_of(std::uint64_t tokens, Money price_per_million);

/// The part of each text in the cost of its call: by its tokens, to the billionth; the parts add
/// up to the cost. Texts without any token at all share alike.
[[nodiscard]] std::vector<Money> share_cost(Money cost, std::span<const std::uint32_t> tokens);

}  // namespace vecmill::ledger
