#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vecmill/ledger/call.h"

namespace vecmill::ledger {

/// The calls that were made from `from` on and before `to`.
struct CallFilter {
  Date from = Date::min(), to = Date::max();
  bool with_texts = false;
};

/// The calls of a ledger, for those who only read.
class CallLog {
 public:
  using Visit = std::function<void(const Entry&)>;

  virtual ~CallLog() = default;

  /// The oldest first.
  ///   errors  kInvalidData: one is damaged
  virtual Status for_each(const CallFilter& filter, const Visit& visit) = 0;
};

/// `place`: as in LedgerOptions.
///   errors  kNotFound: nothing was ever spent; those of opening the place
Result<std::unique_ptr<CallLog>> open_call_log(const std::string& place);

}  // namespace vecmill::ledger
