#include "vecmill/cache/memory_level.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

namespace vecmill::cache {
namespace {

constexpr std::size_t kShards = 16;

struct Kept {
  Key key;
  Time made;
  std::uint32_t tokens = 0;
  std::uint32_t truncated_tokens = 0;
  bool used = false;  ///< since it was last in front
  Kept* newer = nullptr;
  Kept* older = nullptr;
  std::vector<float> vector;
};

/// Kept vectors by the first bytes of their MACs, which are as good as any hash of them. A look-up
/// touches one line of memory and then the row.
class Table {
 public:
  Kept* find(std::uint64_t prefix) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t at = home(prefix);; at = next(at)) {
      const Slot& slot = slots_[at];
      if (slot.kept == nullptr) return nullptr;
      if (slot.prefix == prefix) return slot.kept.get();
    }
  }

  /// `prefix` is not in the table.
  void insert(std::uint64_t prefix, std::unique_ptr<Kept> kept) {
    if (4 * (rows_ + 1) > 3 * slots_.size()) grow();
    std::size_t at = home(prefix);
    while (slots_[at].kept != nullptr) at = next(at);
    slots_[at] = {prefix, std::move(kept)};
    ++rows_;
  }

  /// `prefix` is in the table. Rows behind it move up, so that none is cut off from its home.
  void erase(std::uint64_t prefix) {
    std::size_t hole = home(prefix);
    while (slots_[hole].prefix != prefix || slots_[hole].kept == nullptr) hole = next(hole);
    slots_[hole].kept.reset();
    --rows_;
    for (std::size_t at = next(hole); slots_[at].kept != nullptr; at = next(at)) {
      const std::size_t from_home = (at - home(slots_[at].prefix)) & (slots_.size() - 1);
      if (from_home < ((at - hole) & (slots_.size() - 1))) continue;
      slots_[hole] = std::move(slots_[at]);
      hole = at;
    }
  }

  [[nodiscard]] std::size_t rows() const { return rows_; }

  struct Slot {
    std::uint64_t prefix = 0;
    std::unique_ptr<Kept> kept;
  };

 private:
  // The lowest bits chose the shard.
  [[nodiscard]] std::size_t home(std::uint64_t prefix) const {
    return (prefix >> 8) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  void grow() {
    std::vector<Slot> old(std::max<std::size_t>(16, 2 * slots_.size()));
    old.swap(slots_);
    rows_ = 0;
    for (Slot& slot : old) {
      if (slot.kept != nullptr) insert(slot.prefix, std::move(slot.kept));
    }
  }

  std::vector<Slot> slots_;  ///< a power of two
  std::size_t rows_ = 0;
};

/// Beside the floats of a row: what the allocator adds to its two blocks, and its share of the
/// slots, of which there are up to 8/3 for each row and, while they move, half of that once more.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kRowBytes = sizeof(Kept) + 2 * kBlock + 4 * sizeof(Table::Slot);

std::uint64_t bytes_of(const Kept& kept) {
  return kRowBytes + kept.vector.capacity() * sizeof(float);
}

/// Pushes out by second chance: who was used since he was last in front goes there again instead.
/// So a hit writes one flag, where a list in the order of use would touch three more rows.
class Shard {
 public:
  void get(const Key& key, Time now, std::chrono::seconds ttl, std::optional<Hit>& found) {
    const std::lock_guard lock(mutex_);
    Kept* kept = table_.find(key.prefix());
    if (kept == nullptr) return miss();
    if (kept->key != key) return miss(&stats_.collisions);
    if (ttl.count() > 0 && kept->made + ttl <= now) {
      drop(kept);
      return miss(&stats_.expired);
    }
    kept->used = true;
    ++stats_.hits;
    found.emplace().made = kept->made;
    found->value.vector = kept->vector;
    found->value.tokens = kept->tokens;
    found->value.truncated_tokens = kept->truncated_tokens;
  }

  void put(const Item& item, std::uint64_t limit) {
    auto kept = std::make_unique<Kept>();
    kept->key = item.key;
    kept->made = item.made;
    kept->tokens = item.value->tokens;
    kept->truncated_tokens = item.value->truncated_tokens;
    kept->vector = item.value->vector;
    const std::uint64_t size = bytes_of(*kept);
    const std::lock_guard lock(mutex_);
    if (Kept* before = table_.find(item.key.prefix())) drop(before);
    if (size > limit) return;
    while (stats_.bytes + size > limit) evict();
    push_front(kept.get());
    table_.insert(item.key.prefix(), std::move(kept));
    stats_.bytes += size;
    ++stats_.puts;
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    table_ = {};
    newest_ = oldest_ = nullptr;
    stats_.bytes = 0;
  }

  void add_to(LevelStats& sum) {
    const std::lock_guard lock(mutex_);
    sum.hits += stats_.hits;
    sum.misses += stats_.misses;
    sum.expired += stats_.expired;
    sum.collisions += stats_.collisions;
    sum.puts += stats_.puts;
    sum.evicted += stats_.evicted;
    sum.rows += table_.rows();
    sum.bytes += stats_.bytes;
  }

 private:
  void miss(std::uint64_t* reason = nullptr) {
    ++stats_.misses;
    if (reason != nullptr) ++*reason;
  }

  void push_front(Kept* kept) {
    kept->used = false;
    kept->newer = nullptr;
    kept->older = newest_;
    (newest_ != nullptr ? newest_->newer : oldest_) = kept;
    newest_ = kept;
  }

  void unlink(Kept* kept) {
    (kept->newer != nullptr ? kept->newer->older : newest_) = kept->older;
    (kept->older != nullptr ? kept->older->newer : oldest_) = kept->newer;
  }

  void evict() {
    while (oldest_->used) {
      Kept* again = oldest_;
      unlink(again);
      push_front(again);
    }
    drop(oldest_);
    ++stats_.evicted;
  }

  void drop(Kept* kept) {
    stats_.bytes -= bytes_of(*kept);
    unlink(kept);
    table_.erase(kept->key.prefix());
  }

  std::mutex mutex_;
  Table table_;
  Kept* newest_ = nullptr;
  Kept* oldest_ = nullptr;
  LevelStats stats_;
};

class MemoryLevel : public Level {
 public:
  explicit MemoryLevel(const MemoryOptions& options) : options_(options) {}

  Status get_many(std::span<const Key> keys, Time now,
                  std::span<std::optional<Hit>> found) override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!found[i]) shard(keys[i]).get(keys[i], now, options_.ttl, found[i]);
    }
    return {};
  }

  Status put_many(std::span<const Item> items, Time /*now*/) override {
    for (const Item& item : items) shard(item.key).put(item, options_.max_bytes / kShards);
    return {};
  }

  Status clear() override {
    for (Shard& shard : shards_) shard.clear();
    return {};
  }

  LevelStats stats() override {
    LevelStats sum;
    sum.max_bytes = options_.max_bytes;
    for (Shard& shard : shards_) shard.add_to(sum);
    return sum;
  }

 private:
  Shard& shard(const Key& key) { return shards_[key.prefix() % kShards]; }

  const MemoryOptions options_;
  std::array<Shard, kShards> shards_;
};

}  // namespace

Result<std::unique_ptr<Level>> make_memory_level(const MemoryOptions& options) {
  if (options.max_bytes < std::uint64_t{1} << 20) {
    return make_error(ErrorKind::kInvalidArgument, "a cache in memory needs 1 MiB at least", {},
                      "raise its limit, or do without it");
  }
  return std::unique_ptr<Level>(std::make_unique<MemoryLevel>(options));
}

}  // namespace vecmill::cache
