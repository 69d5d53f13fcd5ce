#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vecmill/ledger/call.h"
#include "vecmill/record.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// Tags that texts get from fields of their records. A text that several records have is paid for
/// once, under the tags of the first. Thread-safe.
class TextTags {
 public:
  /// Forgets all texts before and takes these. A record without the field has no such tag.
  ///   errors  kInvalidData: the value is a list or an object, or longer than a tag may be
  Status set(std::span<const Record> records, const std::vector<std::string>& fields);

  /// Those of a text; empty for one that nobody set.
  [[nodiscard]] ledger::Tags of(std::string_view text) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, ledger::Tags> tags_;  // by checksum of the text
};

}  // namespace vecmill::engine
