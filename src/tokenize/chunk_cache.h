#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "vecmill/tokens.h"

namespace vecmill::tokenize {

/// The tokens of short chunks and words seen lately. One cache line each; a newcomer takes the
/// place of an older one. For one thread.
class ChunkCache {
 public:
  static constexpr std::size_t kMostBytes = 24, kMostTokens = 7;
  enum class Kind : std::uint32_t { kChunk = 0, kWord = 64 };

  struct Key {
    std::array<std::uint64_t, 3> words;
    std::uint32_t size;  ///< and the kind
    [[nodiscard]] bool operator==(const Key&) const = default;
  };

  /// `chunk` has at most kMostBytes; `readable` bytes may be read from its start on.
  [[nodiscard]] static Key key(std::string_view chunk, std::size_t readable, Kind kind) {
    Key key{{}, static_cast<std::uint32_t>(chunk.size()) + static_cast<std::uint32_t>(kind)};
    if (readable < kMostBytes) {
      std::memcpy(key.words.data(), chunk.data(), chunk.size());
      return key;
    }
    std::memcpy(key.words.data(), chunk.data(), kMostBytes);
    // The first byte is the lowest, whatever the machine's order: only equality counts.
    static_assert(std::endian::native == std::endian::little);
    for (std::size_t i = 0; i < key.words.size(); ++i) {
      const std::size_t bytes = chunk.size() > 8 * i ? chunk.size() - 8 * i : 0;
      if (bytes < 8) key.words[i] &= (std::uint64_t{1} << 8 * bytes) - 1;
    }
    return key;
  }

  ChunkCache() : slots_(kSlots) {}

  /// Hides the time that the memory takes.
  void prefetch(const Key& key) const { __builtin_prefetch(&slots_[place(key)]); }

  /// Appends the tokens of the chunk; false when it is not there.
  [[nodiscard]] bool append(const Key& key, std::vector<TokenId>& ids) const {
    const std::size_t at = place(key);
    const Slot* slot = &slots_[at];
    if (!(slot->key == key)) {
      slot = &slots_[at ^ 1];
      if (!(slot->key == key)) return false;
    }
    ids.insert(ids.end(), slot->ids.begin(), slot->ids.begin() + slot->count);
    return true;
  }

  void insert(const Key& key, std::span<const TokenId> ids) {
    if (ids.size() > kMostTokens) return;
    const std::size_t at = place(key);
    slots_[at ^ 1] = slots_[at];
    Slot& slot = slots_[at];
    slot.key = key;
    slot.count = static_cast<std::uint8_t>(ids.size());
    std::copy(ids.begin(), ids.end(), slot.ids.begin());
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 14;

  struct alignas(64) Slot {
    Key key{{}, 0xFFFFFFFF};
    std::array<TokenId, kMostTokens> ids{};
    std::uint8_t count = 0;
  };

  [[nodiscard]] static std::size_t place(const Key& key) {
    std::uint64_t hash = key.words[0] * 0x9E3779B97F4A7C15u;
    hash ^= (key.words[1] + key.size) * 0xC2B2AE3D27D4EB4Fu;
    hash ^= std::rotl(key.words[2] * 0x165667B19E3779F9u, 32);
    hash ^= hash >> 32;
    return (hash * 0x9E3779B97F4A7C15u) >> 50;
  }

  static_assert(sizeof(Slot) == 64);
  std::vector<Slot> slots_;
};

}  // namespace vecmill::tokenize
