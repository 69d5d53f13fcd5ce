#include "vecmill/cache/redis_level.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "vecmill/base/hash.h"
#include "vecmill/cache/level_counts.h"

namespace vecmill::cache {
namespace {

using redis::Command;
using redis::Reply;

constexpr std::string_view kPrefix = "vecmill:vector:1:";
constexpr std::size_t kKeyBytes = 16;  // of the mac; another's row in this place is a collision
constexpr std::size_t kReadAtOnce = 256;
constexpr std::size_t kWriteBytes = std::size_t{4} << 20;  // at once
constexpr std::size_t kFooter = 16;  // behind a row: when it was made, XXH3-64 of all before

std::string name_of(const Key& key) {
  std::string name(kPrefix);
  name.append(reinterpret_cast<const char*>(key.mac.data()), kKeyBytes);
  return name;
}

void append(std::string& bytes, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(number >> shift & 0xFF);
}

std::uint64_t read(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return number;
}

class RedisLevel final : public Level {
 public:
  RedisLevel(std::shared_ptr<redis::Client> client, const RedisLevelOptions& options,
             RowCodec codec)
      : client_(std::move(client)), ttl_(options.ttl), codec_(std::move(codec)) {}

  Status get_many(std::span<const Key> keys, Time now,
                  std::span<std::optional<Hit>> found) override {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!found[i]) places.push_back(i);
    }
    for (std::size_t first = 0; first < places.size(); first += kReadAtOnce) {
      const std::size_t count = std::min(kReadAtOnce, places.size() - first);
      Status status = get_some(keys, now, found, std::span(places).subspan(first, count));
      if (!status) {
        counts_.misses += places.size() - first;
        return status;
      }
    }
    return {};
  }

  Status put_many(std::span<const Item> items, Time now) override {
    std::vector<Command> commands;
    std::size_t bytes = 0;
    for (const Item& item : items) {
      if (is_expired(item.made, now)) continue;
      commands.push_back({"SET", name_of(item.key), value_of(item)});
      if (ttl_.count() > 0) {
        const auto left = std::chrono::milliseconds(item.made + ttl_ - now);
        commands.back().insert(commands.back().end(), {"PX", std::to_string(left.count())});
      }
      bytes += commands.back()[2].size();
      if (bytes < kWriteBytes) continue;
      VECMILL_TRY(write(commands));
      commands.clear();
      bytes = 0;
    }
    return write(commands);
  }

  /// Only what this level keeps: a server may hold other things.
  Status clear() override {
    std::string cursor = "0";
    do {
      VECMILL_ASSIGN(
          const Reply page,
          client_->call({"SCAN", cursor, "MATCH", std::string(kPrefix) + "*", "COUNT", "1000"}));
      if (page.items.size() != 2) return strange();
      cursor = page.items[0].text;
      Command unlink{"UNLINK"};
      for (const Reply& key : page.items[1].items) unlink.push_back(key.text);
      if (unlink.size() > 1) VECMILL_TRY(client_->call(std::move(unlink)));
    } while (cursor != "0");
    return {};
  }

  [[nodiscard]] LevelStats stats() override { return counts_.stats(); }

 private:
  [[nodiscard]] bool is_expired(Time made, Time now) const {
    return ttl_.count() > 0 && made + ttl_ <= now;
  }

  [[nodiscard]] Error strange() const {
    return make_error(ErrorKind::kUnavailable, "Redis answers what was not asked",
                      client_->address().name());
  }

  Status get_some(std::span<const Key> keys, Time now, std::span<std::optional<Hit>> found,
                  std::span<const std::size_t> places) {
    Command command{"MGET"};
    for (const std::size_t place : places) command.push_back(name_of(keys[place]));
    VECMILL_ASSIGN(const Reply reply, client_->call(command));
    if (reply.items.size() != places.size()) return strange();
    Command damaged{"UNLINK"};
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Reply& item = reply.items[i];
      if (!item.is(Reply::Kind::kText)) {
        ++counts_.misses;
      } else if (!read_value(item.text, keys[places[i]], now, found[places[i]])) {
        damaged.push_back(command[i + 1]);
      }
    }
    // Whether they go or stay: they are misses.
    if (damaged.size() > 1) (void)client_->call(std::move(damaged));
    return {};
  }

  /// False: damaged.
  bool read_value(std::string_view value, const Key& key, Time now, std::optional<Hit>& found) {
    Hit hit;
    RowCodec::Verdict verdict = RowCodec::Verdict::kDamaged;
    if (value.size() > kFooter &&
        checksum(value.substr(0, value.size() - 8)) == read(value.substr(value.size() - 8))) {
      const std::chrono::seconds made(read(value.substr(value.size() - kFooter)));
      hit.made = std::min(Time(made), now);
      const std::lock_guard lock(codec_mutex_);
      verdict = codec_.decode(value.substr(0, value.size() - kFooter), key, hit.value);
    }
    if (verdict == RowCodec::Verdict::kHit && !is_expired(hit.made, now)) {
      ++counts_.hits;
      found = std::move(hit);
      return true;
    }
    ++counts_.misses;
    switch (verdict) {
      case RowCodec::Verdict::kHit: ++counts_.expired; break;
      case RowCodec::Verdict::kOther: ++counts_.collisions; break;
      case RowCodec::Verdict::kDamaged: ++counts_.corrupt; return false;
    }
    return true;
  }

  std::string value_of(const Item& item) {
    std::string value;
    {
      const std::lock_guard lock(codec_mutex_);
      codec_.encode(item, value);
    }
    append(value, static_cast<std::uint64_t>(item.made.time_since_epoch().count()));
    append(value, checksum(value));
    return value;
  }

  Status write(std::span<const Command> commands) {
    if (commands.empty()) return {};
    VECMILL_ASSIGN(const auto replies, client_->call(commands));
    for (const Reply& reply : replies) {
      if (reply.is(Reply::Kind::kError)) return redis::error_of(reply, client_->address().name());
      ++counts_.puts;
    }
    return {};
  }

  const std::shared_ptr<redis::Client> client_;
  const std::chrono::seconds ttl_;
  std::mutex codec_mutex_;
  RowCodec codec_;
  LevelCounts counts_;
};

}  // namespace

Result<std::unique_ptr<Level>> make_redis_level(std::shared_ptr<redis::Client> client,
                                                const RedisLevelOptions& options) {
  VECMILL_ASSIGN(RowCodec codec, RowCodec::make(options.store, options.encryption_key));
  return std::unique_ptr<Level>(
      std::make_unique<RedisLevel>(std::move(client), options, std::move(codec)));
}

}  // namespace vecmill::cache
