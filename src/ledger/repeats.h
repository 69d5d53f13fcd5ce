#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace vecmill::ledger {

/// How many other keys were used since the last use of a key: a cache that drops what was unused
/// for longest still has a key just if it has room for more than these.
class ReuseDistance {
 public:
  /// nullopt: never used before. O(log n).
  std::optional<std::uint64_t> use(std::uint64_t key);

 private:
  void add(std::size_t at, std::int64_t n);
  [[nodiscard]] std::uint64_t sum_until(std::size_t at) const;

  std::unordered_map<std::uint64_t, std::size_t> last_;  ///< use, from 1
  std::vector<std::int64_t> tree_ = {0};  ///< Fenwick: 1 at each use that is the last of its key
};

}  // namespace vecmill::ledger
