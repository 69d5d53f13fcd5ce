#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vecmill::source {

/// Which ids have been seen, by the long_checksum of each: 18 to 37 bytes an id, however long it
/// is.
class IdSet {
 public:
  IdSet();

  /// False when it was there already.
  bool insert(std::string_view id);

 private:
  struct Slot {
    std::uint64_t low = 0;
    std::uint64_t high = 0;  ///< both 0: free
  };
  static bool place(std::vector<Slot>& slots, Slot hash);

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace vecmill::source
