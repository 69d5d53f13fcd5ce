#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace vecmill {

/// Limits on the spending of one tenant or under one tag, in dollars, as people write them.
struct ScopedBudget {
  std::string tenant{};              ///< "acme"; "*": each for itself; empty: of a tag
  std::string tag{};                 ///< "project=search"; "project=*": each value for itself
  std::string day{}, month{};        ///< empty: no limit
  std::string warn_at{}, slow_at{};  ///< empty: as for all budgets
  std::string where{};               ///< named in errors: "vecmill.toml:12"
};

/// From which part of a limit, 0 to 1 with two places at most, somebody is told, and requests are
/// spread so that the rest lasts until the day or month ends.
struct BudgetPace {
  std::string warn_at = "0.8";
  std::string slow_at = "1";
};

/// A budget is nearly used up, or stopped a call: once in its day, month or run, whichever process
/// comes first.
struct SpendAlert {
  std::string line;  ///< for people
  std::string json;  ///< one object: text, alert, scope, window, used_usd, limit_usd
};

/// Who is told. Nothing of the texts is in any alert.
struct AlertOptions {
  /// At once; from any thread.
  std::function<void(const SpendAlert&)> tell{};
  /// "https://...": gets the JSON in a POST, tried three times. That it fails is told and changes
  /// nothing else.
  std::string webhook{};
  /// The variable with the secret of X-Vecmill-Signature (docs/cost.md); empty: not signed.
  std::string secret_env{};
  /// How often the webhook is told how far a run is; then also how it ended. 0: not.
  std::chrono::seconds progress{0};
};

}  // namespace vecmill
