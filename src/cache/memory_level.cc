#include "vecmill/cache/memory_level.h"

#include <array>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace vecmill::cache {
namespace {

constexpr std::size_t kShards = 16;

struct Kept {
  Key key;
  Time made;
  std::uint32_t tokens = 0;
  std::uint32_t truncated_tokens = 0;
  std::vector<float> vector;
};

/// The first bytes of a MAC are as good as any hash of it.
struct PrefixHash {
  std::size_t operator()(std::uint64_t prefix) const noexcept { return prefix >> 4; }
};

using Order = std::list<Kept>;  ///< the most recently used is in front
using Index = std::unordered_map<std::uint64_t, Order::iterator, PrefixHash>;

/// Beside the floats of a row: a node each of list and index, what the allocator adds to three
/// blocks, and the row's share of the buckets, of which there may be twice as many as rows and,
/// while they are moved, half of that once more.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kRowBytes = sizeof(Kept) + 2 * sizeof(void*) + sizeof(Index::value_type) +
                                  sizeof(void*) + 3 * kBlock + 3 * sizeof(void*);

std::uint64_t bytes_of(const Kept& kept) {
  return kRowBytes + kept.vector.capacity() * sizeof(float);
}

class Shard {
 public:
  void get(const Key& key, Time now, std::chrono::seconds ttl, std::optional<Hit>& found) {
    const std::lock_guard lock(mutex_);
    const auto at = index_.find(key.prefix());
    if (at == index_.end()) return miss();
    const auto kept = at->second;
    if (kept->key != key) return miss(&stats_.collisions);
    if (ttl.count() > 0 && kept->made + ttl <= now) {
      drop(at);
      return miss(&stats_.expired);
    }
    order_.splice(order_.begin(), order_, kept);
    ++stats_.hits;
    found.emplace().made = kept->made;
    found->value.vector = kept->vector;
    found->value.tokens = kept->tokens;
    found->value.truncated_tokens = kept->truncated_tokens;
  }

  void put(const Item& item, std::uint64_t limit) {
    Kept kept{item.key, item.made, item.value->tokens, item.value->truncated_tokens,
              item.value->vector};
    const std::uint64_t size = bytes_of(kept);
    const std::lock_guard lock(mutex_);
    if (const auto at = index_.find(item.key.prefix()); at != index_.end()) drop(at);
    if (size > limit) return;
    while (stats_.bytes + size > limit) {
      drop(index_.find(order_.back().key.prefix()));
      ++stats_.evicted;
    }
    order_.push_front(std::move(kept));
    index_.emplace(item.key.prefix(), order_.begin());
    stats_.bytes += size;
    ++stats_.puts;
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    index_ = {};
    order_.clear();
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
    sum.rows += index_.size();
    sum.bytes += stats_.bytes;
  }

 private:
  void miss(std::uint64_t* reason = nullptr) {
    ++stats_.misses;
    if (reason != nullptr) ++*reason;
  }

  void drop(Index::iterator at) {
    stats_.bytes -= bytes_of(*at->second);
    order_.erase(at->second);
    index_.erase(at);
  }

  std::mutex mutex_;
  Order order_;
  Index index_;
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
    return make_error(ErrorKind::kInvalidArgument, "a cache in memory needs 1 MiB at least");
  }
  return std::unique_ptr<Level>(std::make_unique<MemoryLevel>(options));
}

}  // namespace vecmill::cache
