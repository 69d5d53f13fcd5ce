#include "vecmill/cache/redis_leases.h"

#include <algorithm>
#include <utility>

namespace vecmill::cache {
namespace {

using redis::Command;
using redis::Reply;

constexpr std::size_t kAtOnce = 500;

/// KEYS: leases. ARGV: the holder, and for how long they go on; 0: they end. Others' stay.
const redis::Script& own_script() {
  static const redis::Script script(R"lua(
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return 0
)lua");
  return script;
}

std::string place_of(const std::string& name) { return "vecmill:lease:1:" + name; }

class RedisLeases final : public LeaseServer {
 public:
  explicit RedisLeases(std::shared_ptr<redis::Client> client) : client_(std::move(client)) {}

  Result<std::vector<bool>> take(Names names, const std::string& holder, Time lease) override {
    std::vector<Command> commands;
    for (const std::string& name : names) {
      commands.push_back(
          {"SET", place_of(name), holder, "NX", "PX", std::to_string(lease.count())});
    }
    VECMILL_ASSIGN(const auto replies, client_->call(commands));
    std::vector<bool> taken;
    // Nothing: another has it. An error of one command: nobody can have it.
    for (const Reply& reply : replies) taken.push_back(!reply.is(Reply::Kind::kNil));
    return taken;
  }

  void extend(Names names, const std::string& holder, Time time) override {
    const std::vector<std::string> arguments{holder, std::to_string(time.count())};
    for (std::size_t first = 0; first < names.size(); first += kAtOnce) {
      std::vector<std::string> places;
      for (const auto& name : names.subspan(first, std::min(kAtOnce, names.size() - first))) {
        places.push_back(place_of(name));
      }
      if (!client_->run(own_script(), places, arguments)) return;
    }
  }

 private:
  const std::shared_ptr<redis::Client> client_;
};

}  // namespace

std::unique_ptr<LeaseServer> make_redis_leases(std::shared_ptr<redis::Client> client) {
  return std::make_unique<RedisLeases>(std::move(client));
}

}  // namespace vecmill::cache
