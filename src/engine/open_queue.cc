#include "vecmill/engine/open_queue.h"

#include <cstdlib>
#include <filesystem>

#include "vecmill/engine/shared_redis.h"
#include "vecmill/queue/postgres_queue.h"
#include "vecmill/queue/redis_queue.h"
#include "vecmill/queue/sqlite_queue.h"

namespace vecmill::engine {
namespace {

constexpr std::chrono::milliseconds kConnectWithin{2'000}, kAnswerWithin{10'000};

Result<std::unique_ptr<queue::Queue>> open_redis(const QueueOptions& options) {
  queue::RedisQueueOptions wanted;
  VECMILL_ASSIGN(wanted.client, redis_options(options.redis));
  wanted.client.connect_within = kConnectWithin;
  wanted.client.answer_within = kAnswerWithin;
  wanted.client.pause_first = wanted.client.pause_most = std::chrono::milliseconds(0);
  wanted.create = options.create;
  return queue::open_redis_queue(wanted);
}

}  // namespace

Result<std::unique_ptr<queue::Queue>> open_queue(const QueueOptions& options) {
  const std::string& place = options.place;
  if (place.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "there is no place for jobs", {},
                      "name it with --queue: jobs.db, postgres://... or redis://...");
  }
  if (is_postgres_url(place)) return queue::open_postgres_queue(place, options.create);
  if (redis::is_redis_url(place)) {
    QueueOptions redis = options;
    redis.redis.server = place;
    return open_redis(redis);
  }
  if (std::filesystem::path(place).extension() != ".db") {
    return make_error(ErrorKind::kInvalidArgument, "is no place for jobs", place,
                      "name a file that ends in .db, postgres://... or redis://...");
  }
  if (!options.create && !std::filesystem::exists(place)) {
    return make_error(ErrorKind::kNotFound, "there is no queue", place,
                      "`vecmill jobs submit` makes it");
  }
  return queue::open_sqlite_queue(place);
}

}  // namespace vecmill::engine
