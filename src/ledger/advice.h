#pragma once

#include <string>
#include <vector>

#include "vecmill/ledger/call_log.h"
#include "vecmill/ledger/price_book.h"

namespace vecmill::ledger {

struct AdviceOptions {
  Date from = Date::min(), to = Date::max();
  std::uint64_t cache_vectors = 0;  ///< that the cache has room for; 0: there is none
  Money gigabyte_month = 0;         ///< what storing 10^9 bytes costs a month; 0: not known
};

enum class Saving : std::uint8_t {
  kDuplicates,  ///< a text was sent again though a cache of this size would have had it
  kCacheSize,   ///< a text was sent again that a larger cache would still have had
  kModel,       ///< a cheaper model makes vectors of the same space
  kBatchApi,    ///< nobody waited, and the provider's batch API is cheaper
  kDimensions,  ///< the model makes smaller vectors: storage
};

/// One way to pay less. Those of one model exclude or lessen each other: they do not add up, but
/// for duplicates and cache size, which never count the same text.
struct Advice {
  Saving saving = Saving::kDuplicates;
  std::string model;  ///< "voyage:voyage-4"
  Money saves = 0;    ///< of what was billed in the period; kDimensions: a month from now on
  std::string text;   ///< what to do, and what it changes
};

/// What could have been saved, the greatest sum first. Only calls that were billed are looked at.
Result<std::vector<Advice>> advise(CallLog& log, const PriceBook& prices,
                                   const AdviceOptions& options);

}  // namespace vecmill::ledger
