#include "vecmill/engine/row_table.h"

#include <charconv>
#include <utility>

#include "vecmill/base/hash.h"

namespace vecmill::engine {
namespace {

constexpr std::uint64_t kMet = 1;
constexpr std::uint64_t kText = 0x0000'FFFF'FFFF'FFFE;
constexpr std::size_t kHashDigits = 12;  // 48 bits, of which the last is not kept

/// In its place in a slot; 0 is what no text has.
std::uint64_t text_bits(std::string_view text_hash) {
  std::uint64_t bits = 0;
  const std::string_view first = text_hash.substr(0, kHashDigits);
  std::from_chars(first.data(), first.data() + first.size(), bits, 16);
  bits &= kText;
  return bits == 0 && !text_hash.empty() ? kText : bits;
}

}  // namespace

RowTable::RowTable() : slots_(1024) {}

RowTable::Slot RowTable::slot_of(std::string_view id) {
  const LongChecksum sum = long_checksum(id);
  return {sum.low == 0 ? 1 : sum.low, sum.high & ~(kText | kMet)};
}

/// Where the id stands, or the free slot where it would.
std::size_t RowTable::place_of(const std::vector<Slot>& slots, Slot wanted) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = wanted.low & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots[at];
    const bool same = slot.low == wanted.low && (slot.high & ~(kText | kMet)) == wanted.high;
    if (same || slot.low == 0) return at;
  }
}

void RowTable::add(std::string_view id, std::string_view text_hash) {
  const Slot wanted = slot_of(id);
  Slot& slot = slots_[place_of(slots_, wanted)];
  if (slot.low == 0) ++count_;
  slot = {wanted.low, wanted.high | text_bits(text_hash)};
  if (count_ * 8 < slots_.size() * 7) return;
  std::vector<Slot> larger(slots_.size() * 2);
  for (const Slot& old : slots_) {
    if (old.low == 0) continue;
    larger[place_of(larger, {old.low, old.high & ~(kText | kMet)})] = old;
  }
  slots_ = std::move(larger);
}

const RowTable::Slot* RowTable::look_up(std::string_view id) const {
  const Slot& slot = slots_[place_of(slots_, slot_of(id))];
  return slot.low == 0 ? nullptr : &slot;
}

RowTable::Found RowTable::find(std::string_view id, std::string_view text_hash) const {
  const Slot* slot = look_up(id);
  if (slot == nullptr) return Found::kNot;
  const bool same = text_hash.empty() || (slot->high & kText) == text_bits(text_hash);
  return same ? Found::kSame : Found::kOther;
}

RowTable::Found RowTable::meet(std::string_view id, std::string_view text_hash) {
  const Found found = find(id, text_hash);
  if (found == Found::kNot) return found;
  Slot& slot = slots_[place_of(slots_, slot_of(id))];
  if ((slot.high & kMet) == 0) ++met_;
  slot.high |= kMet;
  return found;
}

bool RowTable::is_alone(std::string_view id) const {
  const Slot* slot = look_up(id);
  return slot != nullptr && (slot->high & kMet) == 0;
}

}  // namespace vecmill::engine
