#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

struct redisReply;

namespace vecmill::redis {

struct Reply {
  enum class Kind : std::uint8_t { kNil, kInteger, kText, kError, kList };

  Kind kind = Kind::kNil;
  std::int64_t integer = 0;
  std::string text = {};  ///< also of an error
  std::vector<Reply> items = {};

  [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
};

/// What a server is.
struct Server {
  std::string version;
  std::string eviction;      ///< maxmemory-policy
  bool is_replica = false;   ///< takes no writes
  bool append_only = false;  ///< each change goes to a file at once
  bool save_failed = false;  ///< the last time that it wrote to its disk
};

/// nullopt: of a kind or depth that nothing here asks for.
[[nodiscard]] std::optional<Reply> convert(const redisReply& reply);

/// What the answer to INFO says; `where` is named in errors.
///   errors  kInvalidData: no Redis; kUnsupported: too old; kUnavailable: it is reading its data
Result<Server> read_info(std::string_view info, const std::string& where);

/// What an error reply of a command means: kAuth, kUnavailable.
[[nodiscard]] Error error_of(const Reply& reply, const std::string& where);

/// For what does not speak as a Redis does, and for one that does not answer.
[[nodiscard]] Error no_redis(const std::string& where);
[[nodiscard]] Error away(const std::string& why, const std::string& where);

}  // namespace vecmill::redis
