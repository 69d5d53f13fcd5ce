#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/rest.h"
#include "vecmill/redis/address.h"
#include "vecmill/redis/reply.h"
#include "vecmill/result.h"

struct redisContext;

namespace vecmill::redis {

using Command = std::vector<std::string>;

/// A Lua script with the name by which a server knows it once it has seen it.
class Script {
 public:
  explicit Script(std::string text);
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& sha() const { return sha_; }

 private:
  std::string text_, sha_;
};

struct ClientOptions {
  Address address;
  std::string ca_file = {};  ///< whom TLS trusts; empty: whom the system trusts
  std::chrono::milliseconds connect_within{100};
  std::chrono::milliseconds answer_within{500};  ///< all commands of a call together
  /// How long nothing is tried after a failure; doubles with each further one.
  std::chrono::milliseconds pause_first{100}, pause_most{5000};
};

/// One connection to a Redis 6 or later, made when first needed and again after a failure. Calls of
/// several threads follow one another. A call waits for `connect_within` and `answer_within` at
/// most and, while the server is known to be away, not at all. After an error it is not known
/// whether a command was carried out; one that met a closed connection may be carried out twice.
///   errors  of all calls: kUnavailable: away, loading, too slow; kAuth; kUnsupported: too old;
///           kInvalidData: no Redis, or an answer that cannot be
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();

  /// One reply per command, in order; a reply may be an error of its command.
  Result<std::vector<Reply>> call(std::span<const Command> commands);

  /// The reply of one command that is not an error.
  Result<Reply> call(Command command);

  Result<Reply> run(const Script& script, std::span<const std::string> keys,
                    std::span<const std::string> arguments);

  /// What it is speaking to; connects.
  Result<Server> server();

  [[nodiscard]] const Address& address() const { return options_.address; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Free {
    void operator()(redisContext* context) const;
  };

  Status connect();
  Status open();
  Status secure();
  Status greet();
  Status send(std::span<const Command> commands, Clock::time_point deadline);
  Status allow(Clock::time_point deadline);
  Result<Reply> receive(Clock::time_point deadline);
  Result<std::vector<Reply>> exchange(std::span<const Command> commands);
  [[nodiscard]] Error failure() const;

  const ClientOptions options_;
  std::mutex mutex_;
  std::unique_ptr<redisContext, Free> context_;
  Server server_;
  Rest rest_;
};

}  // namespace vecmill::redis
