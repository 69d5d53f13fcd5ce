#include "vecmill/cache/redis_level.h"

#include <utility>

namespace vecmill::cache {
namespace {

using redis::Command;
using redis::Reply;

constexpr std::string_view kPrefix = "vecmill:vector:1:";

class RedisLevel final : public ServerLevel {
 public:
  RedisLevel(std::shared_ptr<redis::Client> client, const ServerLevelOptions& options,
             RowCodec codec)
      : ServerLevel(options, std::move(codec)), client_(std::move(client)) {}

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

 private:
  static std::string place_of(const std::string& name) { return std::string(kPrefix) + name; }

  [[nodiscard]] Error strange() const {
    return make_error(ErrorKind::kUnavailable, "Redis answers what was not asked",
                      client_->address().name());
  }

  Result<std::vector<std::optional<std::string>>> read(Names names, Time) override {
    Command command{"MGET"};
    for (const std::string& name : names) command.push_back(place_of(name));
    VECMILL_ASSIGN(Reply reply, client_->call(std::move(command)));
    if (reply.items.size() != names.size()) return strange();
    std::vector<std::optional<std::string>> values;
    for (Reply& item : reply.items) {
      const bool there = item.is(Reply::Kind::kText);
      values.push_back(there ? std::optional(std::move(item.text)) : std::nullopt);
    }
    return values;
  }

  Status write(std::span<const Row> rows, Time now) override {
    std::vector<Command> commands;
    for (const Row& row : rows) {
      commands.push_back({"SET", place_of(row.name), row.value});
      if (row.expires) {
        const auto left = std::chrono::milliseconds(*row.expires - now);
        commands.back().insert(commands.back().end(), {"PX", std::to_string(left.count())});
      }
    }
    VECMILL_ASSIGN(const auto replies, client_->call(commands));
    for (const Reply& reply : replies) {
      if (reply.is(Reply::Kind::kError)) return redis::error_of(reply, client_->address().name());
    }
    return {};
  }

  void drop(Names names) override {
    Command command{"UNLINK"};
    for (const std::string& name : names) command.push_back(place_of(name));
    (void)client_->call(std::move(command));
  }

  const std::shared_ptr<redis::Client> client_;
};

}  // namespace

Result<std::unique_ptr<Level>> make_redis_level(std::shared_ptr<redis::Client> client,
                                                const ServerLevelOptions& options) {
  VECMILL_ASSIGN(RowCodec codec, RowCodec::make(options.store, options.encryption_key));
  return std::unique_ptr<Level>(
      std::make_unique<RedisLevel>(std::move(client), options, std::move(codec)));
}

}  // namespace vecmill::cache
