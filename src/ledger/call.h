#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vecmill/base/budget_rule.h"
#include "vecmill/ledger/money.h"
#include "vecmill/result.h"

namespace vecmill::ledger {

using CallId = std::uint64_t;
using Tags = std::map<std::string, std::string>;

/// One text of a call. `key`: a keyed hash of it (the first bytes of its cache key), the same for
/// the same text in the same space and tenant, and of no use to whoever lacks the key.
struct TextUse {
  std::uint64_t key = 0;
  std::uint32_t tokens = 0;
};

/// One request to a provider, as it is known before it is sent. A retry is a call of its own.
struct Call {
  std::string provider, model;
  std::string tenant = {};  ///< empty: none
  std::string run = {};     ///< those without a name are one run
  Tags tags = {};           ///< project, user, category, … ; no '=' in a key
  std::uint32_t dims = 0;
  bool urgent = false;  ///< somebody waits for it
  std::vector<TextUse> texts = {};
  std::uint64_t most_tokens = 0;  ///< what the provider can bill at most
};

enum class Bill : std::uint8_t {
  kOpen,
  kBilled,
  kNotBilled,
  kUnknown,
  kEstimated,  ///< billed; the tokens are our own count or estimate
};

[[nodiscard]] inline bool is_billed(Bill bill) {
  return bill == Bill::kBilled || bill == Bill::kEstimated;
}

/// A call as the ledger has it.
struct Entry {
  CallId id = 0;
  Date made = {};
  Bill bill = Bill::kOpen;
  Call call;  ///< texts only where they were asked for
  std::uint64_t texts = 0;
  Money price = 0;     ///< per million tokens, on the day of the call
  Money reserved = 0;  ///< what it could cost at most
  std::uint64_t tokens = 0;
  Money cost = 0;  ///< 0 unless billed

  /// What counts against a budget: the cost, or all of what may still be billed.
  [[nodiscard]] Money counted() const {
    return bill == Bill::kOpen || bill == Bill::kUnknown ? reserved : cost;
  }
};

///   errors  kInvalidArgument: a name that is no UTF-8, a tag without key or with '=' in it,
///           more tokens than kMaxTokens
Status check(const Call& call);

/// What spending is summed up by: everything, the run, the tenant, each tag.
[[nodiscard]] std::vector<std::string> scopes_of(const Call& call);
[[nodiscard]] std::string run_scope(const std::string& run);
[[nodiscard]] std::string tenant_scope(const std::string& tenant);
[[nodiscard]] std::string tag_scope(const std::string& key, const std::string& value);
inline constexpr const char* kEverything = "all";

/// The day of a date, counted from 1970 on.
[[nodiscard]] inline std::uint64_t day_number(Date date) {
  using std::chrono::days;
  return static_cast<std::uint64_t>(std::chrono::floor<days>(date).time_since_epoch().count());
}

/// As the ledger keeps them.
[[nodiscard]] std::string tags_to_json(const Tags& tags);
[[nodiscard]] Result<Tags> tags_from_json(std::string_view json);
[[nodiscard]] std::string texts_to_bytes(const std::vector<TextUse>& texts);
[[nodiscard]] std::vector<TextUse> texts_from_bytes(std::string_view bytes);

}  // namespace vecmill::ledger
