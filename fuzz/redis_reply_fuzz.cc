// modules: redis
#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "vecmill/base/check.h"
#include "vecmill/redis/reply.h"

/// What a server may send: replies one behind the other. Each text is also an answer to INFO.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::redis;
  redisReader* reader = redisReaderCreate();
  VECMILL_CHECK(reader != nullptr);
  reader->maxelements = 1 << 10;
  redisReaderFeed(reader, reinterpret_cast<const char*>(data), size);
  void* raw = nullptr;
  while (redisReaderGetReply(reader, &raw) == REDIS_OK && raw != nullptr) {
    const auto reply = convert(*static_cast<const redisReply*>(raw));
    freeReplyObject(raw);
    if (!reply) continue;
    VECMILL_CHECK(reply->items.empty() || reply->is(Reply::Kind::kList));
    if (reply->is(Reply::Kind::kError)) {
      // A code is said again, what stands behind it may be anything that was sent.
      const std::string said = error_of(*reply, "here").to_string();
      VECMILL_CHECK(said.size() < 200 && said.find('\n') == std::string::npos);
    }
    const auto server = read_info(reply->text, "here");
    if (!server) continue;
    VECMILL_CHECK(!server->version.empty());
    for (const char shown : server->version + server->eviction)
      VECMILL_CHECK(shown > ' ' && shown < 127);
  }
  redisReaderFree(reader);
  return 0;
}
