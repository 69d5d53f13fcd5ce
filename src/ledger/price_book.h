#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vecmill/ledger/money.h"
#include "vecmill/result.h"

namespace vecmill::ledger {

/// What a model costs from one day (UTC) on, until the next price of it.
struct Price {
  std::string provider, model;  ///< model "*": all that have no price of their own
  std::chrono::sys_days from;
  Money per_million = 0;                 ///< tokens
  std::optional<Money> batch = {};       ///< per million through the provider's batch API
  std::string space = {};                ///< models with the same one make comparable vectors
  std::vector<std::uint32_t> dims = {};  ///< sizes of vectors that it makes, the smallest first
  std::string source = {};
};

/// Prices as dated data: what a call of last month cost stays what it was. A price that nobody
/// gave is an error and never 0; what is free says so by a 0.
///
/// The text form, one price a line, # begins a comment:
///   provider,model,from,dollars per million tokens[,batch[,space[,dims[,source]]]]
///   voyage,voyage-4,2026-06-18,0.06,0.0402,voyage-4,256 512 1024 2048,seen on the price page
class PriceBook {
 public:
  static PriceBook built_in();

  /// Adds the lines of a file; one that is there already (provider, model, day) is replaced.
  /// Adds all or nothing.
  ///   errors  kInvalidData with the line
  Status add(std::string_view text, const std::string& where);

  /// The price on a day.
  ///   errors  kInvalidArgument: none is known; says what to write where
  [[nodiscard]] Result<Price> find(std::string_view provider, std::string_view model,
                                   Date date) const;

  /// By provider, model and day.
  [[nodiscard]] std::vector<Price> all() const;

 private:
  using Model = std::pair<std::string, std::string>;
  std::map<Model, std::map<std::chrono::sys_days, Price>> models_;
};

[[nodiscard]] std::string format_day(std::chrono::sys_days day);  ///< 2026-11-21
[[nodiscard]] std::optional<std::chrono::sys_days> parse_day(std::string_view text);

}  // namespace vecmill::ledger
