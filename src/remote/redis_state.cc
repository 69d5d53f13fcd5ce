#include "vecmill/remote/redis_state.h"

#include <utility>

#include "vecmill/remote/redis_scripts.h"

namespace vecmill::remote {
namespace {

using redis::Reply;

const redis::Script& limiter_script() {
  static const redis::Script script{std::string(kScriptStart) + kLimiterScript};
  return script;
}

const redis::Script& breaker_script() {
  static const redis::Script script{std::string(kScriptStart) + kBreakerScript};
  return script;
}

class RedisState final : public StateServer {
 public:
  RedisState(std::shared_ptr<redis::Client> client, const std::string& name)
      : client_(std::move(client)),
        limiter_keys_{"vecmill:limit:1:" + name, "vecmill:workers:1:" + name},
        breaker_keys_{"vecmill:breaker:1:" + name} {}

  Result<std::vector<std::uint64_t>> limiter(const std::string& question) override {
    return ask(limiter_script(), limiter_keys_, question, kLimiterNumbers);
  }
  Result<std::vector<std::uint64_t>> breaker(const std::string& question) override {
    return ask(breaker_script(), breaker_keys_, question, kBreakerNumbers);
  }

 private:
  /// `count` numbers that are not negative, or what they are not.
  Result<std::vector<std::uint64_t>> ask(const redis::Script& script,
                                         const std::vector<std::string>& keys,
                                         const std::string& question, std::size_t count) {
    VECMILL_ASSIGN(const Reply reply,
                   client_->run(script, keys, std::vector<std::string>{question}));
    std::vector<std::uint64_t> all;
    for (const Reply& item : reply.items) {
      if (item.is(Reply::Kind::kInteger) && item.integer >= 0) {
        all.push_back(static_cast<std::uint64_t>(item.integer));
      }
    }
    if (all.size() == count && reply.items.size() == count) return all;
    return make_error(ErrorKind::kUnavailable, "Redis answers what was not asked",
                      client_->address().name());
  }

  const std::shared_ptr<redis::Client> client_;
  const std::vector<std::string> limiter_keys_, breaker_keys_;
};

}  // namespace

std::unique_ptr<StateServer> make_redis_state(std::shared_ptr<redis::Client> client,
                                              const std::string& name) {
  return std::make_unique<RedisState>(std::move(client), name);
}

}  // namespace vecmill::remote
