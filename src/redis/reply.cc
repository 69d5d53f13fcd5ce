#include "vecmill/redis/reply.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>

namespace vecmill::redis {
namespace {

constexpr int kDeepestReply = 4;
constexpr int kOldestVersion = 6;

/// nullopt: of a kind or depth that nothing here asks for.
std::optional<Reply> convert_at(const redisReply& reply, int depth) {
  const auto text = [&] { return std::string(reply.str, reply.len); };
  switch (reply.type) {
    case REDIS_REPLY_NIL: return Reply{};
    case REDIS_REPLY_INTEGER: return Reply{Reply::Kind::kInteger, reply.integer};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: return Reply{Reply::Kind::kText, 0, text()};
    case REDIS_REPLY_ERROR: return Reply{Reply::Kind::kError, 0, text()};
    case REDIS_REPLY_ARRAY: break;
    default: return std::nullopt;
  }
  if (depth == kDeepestReply) return std::nullopt;
  Reply list{Reply::Kind::kList};
  for (std::size_t i = 0; i < reply.elements; ++i) {
    auto item = convert_at(*reply.element[i], depth + 1);
    if (!item) return std::nullopt;
    list.items.push_back(*std::move(item));
  }
  return list;
}

/// The value of a line "name:value" of INFO.
std::string_view field(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const std::size_t end = std::min(info.find('\n'), info.size() - 1);
    std::string_view line = info.substr(0, end);
    info.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

/// The same, as far as it may be shown: letters, digits, '.' and '-'.
std::string word(std::string_view info, std::string_view name) {
  const std::string_view value = field(info, name);
  const auto end = std::ranges::find_if_not(value, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
  });
  return std::string(value.begin(), end);
}

}  // namespace

std::optional<Reply> convert(const redisReply& reply) { return convert_at(reply, 0); }

Error no_redis(const std::string& where) {
  return make_error(ErrorKind::kInvalidData, "does not answer like a Redis", where,
                    "is it the address of another program?");
}

Error away(const std::string& why, const std::string& where) {
  return make_error(ErrorKind::kUnavailable, "Redis cannot be reached: " + why, where);
}

Result<Server> read_info(std::string_view info, const std::string& where) {
  const std::string_view version = field(info, "redis_version");
  int major = 0;
  const auto parsed = std::from_chars(version.data(), version.data() + version.size(), major);
  if (parsed.ec != std::errc()) return no_redis(where);
  if (major < kOldestVersion) {
    return make_error(ErrorKind::kUnsupported,
                      "Redis " + std::to_string(major) + " is older than what is needed", where,
                      "use Redis 6 or later");
  }
  if (field(info, "loading") == "1") return away("it is reading its data", where);
  Server server;
  server.version = word(info, "redis_version");
  server.eviction = word(info, "maxmemory_policy");
  server.is_replica = field(info, "role") == "slave";
  server.append_only = field(info, "aof_enabled") == "1";
  server.save_failed = field(info, "rdb_last_bgsave_status") == "err" ||
                       field(info, "aof_last_write_status") == "err" ||
                       field(info, "aof_last_bgrewrite_status") == "err";
  return server;
}

Error error_of(const Reply& reply, const std::string& where) {
  const std::string code = reply.text.substr(0, reply.text.find(' '));
  if (code == "NOAUTH" || code == "WRONGPASS" || reply.text.find("AUTH") == 4) {
    return make_error(ErrorKind::kAuth, "Redis refuses the password", where,
                      "set user and password as the server has them");
  }
  if (code == "NOPERM") {
    return make_error(ErrorKind::kAuth, "the user of Redis may not do what is needed", where,
                      "allow it the commands that docs/shared.md names");
  }
  // What a server says may repeat what it was sent; its code does not.
  const bool is_code = !code.empty() && code.size() <= 20 &&
                       std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
  return make_error(ErrorKind::kUnavailable,
                    "Redis refuses a command" + (is_code ? " (" + code + ")" : std::string()),
                    where);
}

}  // namespace vecmill::redis
