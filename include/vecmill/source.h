#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/record.h"
#include "vecmill/result.h"

namespace vecmill {

/// Yields records in a stable order, in constant memory. Used by one thread.
class Source {
 public:
  virtual ~Source() = default;

  /// At most `count` records, in order; an empty vector is the end.
  ///   errors  kInvalidData naming file and line, kIo; after an error the source is unusable
  virtual Result<std::vector<Record>> next(std::size_t count) = 0;

  /// How many records there are in all, when that is known without reading them; for progress.
  [[nodiscard]] virtual std::optional<std::uint64_t> total() const { return std::nullopt; }

  /// An opaque, printable place right behind the last record returned; `seek` goes back to it.
  [[nodiscard]] virtual std::string position() const = 0;
  virtual Status seek(const std::string& position) = 0;
};

}  // namespace vecmill
