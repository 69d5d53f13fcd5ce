#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace vecmill::tokenize {

/// Strings with values, found as prefixes of a text byte by byte: a double array, where the child
/// of node n by byte b is base[n] ^ b if that node says that n is its parent.
class ByteTrie {
 public:
  struct Entry {
    std::string_view key;
    std::int32_t value;  ///< not negative
  };
  struct Match {
    std::size_t length;
    std::int32_t value;
  };

  ByteTrie() : ByteTrie(std::vector<Entry>{}) {}
  /// Of equal keys the last one counts. An empty key is never found.
  explicit ByteTrie(std::vector<Entry> entries);

  /// Calls visit(length, value) for each key that `text` begins with, the shortest first.
  template <class Visit>
  void prefixes(std::string_view text, Visit&& visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint32_t next = nodes_[node].base ^ static_cast<unsigned char>(text[i]);
      if (nodes_[next].parent != node) return;
      node = next;
      if (nodes_[node].value >= 0) visit(i + 1, nodes_[node].value);
    }
  }

  [[nodiscard]] std::optional<Match> longest(std::string_view text) const {
    std::optional<Match> found;
    prefixes(text, [&](std::size_t length, std::int32_t value) { found = Match{length, value}; });
    return found;
  }

 private:
  friend class ByteTrieBuilder;
  struct Node {
    std::uint32_t base, parent;
    std::int32_t value;
  };
  std::vector<Node> nodes_;  ///< whole blocks of 256: base ^ byte is always inside
};

}  // namespace vecmill::tokenize
