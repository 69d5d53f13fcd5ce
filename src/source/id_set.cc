#include "vecmill/source/id_set.h"

#include "vecmill/base/hash.h"

namespace vecmill::source {

IdSet::IdSet() : slots_(1024) {}

bool IdSet::insert(std::string_view id) {
  const LongChecksum sum = long_checksum(id);
  Slot slot{sum.low, sum.high};
  if (slot.low == 0 && slot.high == 0) slot.low = 1;
  if (!place(slots_, slot)) return false;
  if (++count_ * 8 < slots_.size() * 7) return true;
  std::vector<Slot> larger(slots_.size() * 2);
  for (const Slot& old : slots_) {
    if (old.low != 0 || old.high != 0) place(larger, old);
  }
  slots_ = std::move(larger);
  return true;
}

bool IdSet::place(std::vector<Slot>& slots, Slot hash) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = hash.low & mask;; at = (at + 1) & mask) {
    Slot& slot = slots[at];
    if (slot.low == hash.low && slot.high == hash.high) return false;
    if (slot.low == 0 && slot.high == 0) {
      slot = hash;
      return true;
    }
  }
}

}  // namespace vecmill::source
