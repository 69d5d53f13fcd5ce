#include "vecmill/tokenize/byte_trie.h"

#include <algorithm>
#include <array>

namespace vecmill::tokenize {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;
constexpr std::uint32_t kBlock = 256;
/// So many free places are tried for the children of a node before a new block is begun.
constexpr int kTries = 64;

}  // namespace

/// Places nodes level by level. Free places are a ring through base (next) and parent (previous).
class ByteTrieBuilder {
 public:
  using Node = ByteTrie::Node;
  using Entry = ByteTrie::Entry;

  explicit ByteTrieBuilder(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  std::vector<Node> build() {
    add_block();
    take(0, kNone);
    std::vector<Range> waiting{{0, 0, entries_.size(), 0}};
    while (!waiting.empty()) {
      const Range range = waiting.back();
      waiting.pop_back();
      place_children(range, waiting);
    }
    for (std::uint32_t at = first_free_; at != kNone;) {
      const std::uint32_t next = next_[at];
      nodes_[at] = {0, kNone, -1};
      at = next;
    }
    return std::move(nodes_);
  }

 private:
  /// The entries [first, last) agree in their first `depth` bytes, which lead to `node`.
  struct Range {
    std::uint32_t node;
    std::size_t first, last, depth;
  };

  void place_children(Range range, std::vector<Range>& waiting) {
    const auto& [node, begin, last, depth] = range;
    std::size_t first = begin;
    if (first < last && entries_[first].key.size() == depth) {
      if (depth > 0) nodes_[node].value = entries_[first].value;
      ++first;
    }
    std::array<std::size_t, kBlock + 1> starts;
    std::array<unsigned char, kBlock> labels;
    std::size_t count = 0;
    for (std::size_t i = first; i < last; ++i) {
      const auto label = static_cast<unsigned char>(entries_[i].key[depth]);
      if (count > 0 && labels[count - 1] == label) continue;
      labels[count] = label;
      starts[count++] = i;
    }
    if (count == 0) return;
    starts[count] = last;
    const std::uint32_t base = find_base(labels.data(), count);
    nodes_[node].base = base;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t child = base ^ labels[i];
      take(child, node);
      waiting.push_back({child, starts[i], starts[i + 1], depth + 1});
    }
  }

  std::uint32_t find_base(const unsigned char* labels, std::size_t count) {
    std::uint32_t at = first_free_;
    for (int tries = 0; at != kNone && tries < kTries; at = next_[at], ++tries) {
      const std::uint32_t base = at ^ labels[0];
      const auto is_free = [&](unsigned char label) { return free_[base ^ label]; };
      if (std::all_of(labels + 1, labels + count, is_free)) return base;
    }
    return add_block();
  }

  std::uint32_t add_block() {
    const auto first = static_cast<std::uint32_t>(nodes_.size());
    nodes_.resize(first + kBlock, Node{0, kNone, -1});
    free_.resize(first + kBlock, true);
    next_.resize(first + kBlock);
    before_.resize(first + kBlock);
    // In front: the old places have been tried often enough.
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      next_[first + i] = i + 1 < kBlock ? first + i + 1 : first_free_;
      before_[first + i] = i > 0 ? first + i - 1 : kNone;
    }
    if (first_free_ != kNone) before_[first_free_] = first + kBlock - 1;
    first_free_ = first;
    return first;
  }

  void take(std::uint32_t at, std::uint32_t parent) {
    free_[at] = false;
    if (before_[at] != kNone) next_[before_[at]] = next_[at];
    if (next_[at] != kNone) before_[next_[at]] = before_[at];
    if (first_free_ == at) first_free_ = next_[at];
    nodes_[at] = {0, parent, -1};
  }

  std::vector<Entry> entries_;
  std::vector<Node> nodes_;
  std::vector<bool> free_;
  std::vector<std::uint32_t> next_, before_;
  std::uint32_t first_free_ = kNone;
};

ByteTrie::ByteTrie(std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  // Of equal keys the last one stays.
  const auto same = [](const Entry& a, const Entry& b) { return a.key == b.key; };
  entries.erase(entries.begin(), std::unique(entries.rbegin(), entries.rend(), same).base());
  nodes_ = ByteTrieBuilder(std::move(entries)).build();
}

}  // namespace vecmill::tokenize
