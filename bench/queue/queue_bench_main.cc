// What a queue costs: queue_bench BATCH BATCHES PLACE..., each FILE.db, postgres://... or
// unix:///socket of a Redis. Jobs of 200 bytes are submitted, claimed and completed by one worker,
// BATCH at a time. A line a place: what it is, jobs submitted a second, jobs claimed and completed
// a second, separated by tabs.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/queue/postgres_queue.h"
#include "vecmill/queue/redis_queue.h"
#include "vecmill/queue/sqlite_queue.h"

namespace vecmill::bench {
namespace {

using Clock = std::chrono::steady_clock;
using queue::Queue;

constexpr std::size_t kPayload = 200;

struct Amount {
  std::uint32_t batch = 0, batches = 0;
};

std::unique_ptr<Queue> open(const std::string& place) {
  if (place.starts_with("postgres")) return std::move(*queue::open_postgres_queue(place));
  if (!place.starts_with("unix")) return std::move(*queue::open_sqlite_queue(place));
  queue::RedisQueueOptions options;
  options.client.address = *redis::parse_address(place);
  options.client.answer_within = std::chrono::seconds(10);
  options.create = true;
  return std::move(*queue::open_redis_queue(options));
}

double rate(const Amount& amount, Clock::time_point start) {
  return double{1} * amount.batch * amount.batches /
         std::chrono::duration<double>(Clock::now() - start).count();
}

double submit(Queue& queue, const Amount& amount, queue::Time now) {
  queue::NewJob job;
  job.payload.assign(kPayload, 'x');
  job.due = now;
  job.group = "bench";
  const std::vector<queue::NewJob> jobs(amount.batch, job);
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < amount.batches; ++i) VECMILL_CHECK(queue.submit(jobs, now));
  return rate(amount, start);
}

double work(Queue& queue, const Amount& amount, queue::Time now) {
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < amount.batches; ++i) {
    const auto claimed = queue.claim({"bench", amount.batch}, now);
    VECMILL_CHECK(claimed && claimed->size() == amount.batch);
    std::vector<queue::Lease> leases;
    for (const queue::Claimed& one : *claimed) leases.push_back(one.lease);
    const auto done = queue.complete(leases, now);
    VECMILL_CHECK(done && std::ranges::count(*done, true) == amount.batch);
  }
  return rate(amount, start);
}

int main_of(const std::vector<std::string>& words) {
  VECMILL_CHECK(words.size() > 2);
  const Amount amount{static_cast<std::uint32_t>(std::stoul(words[0])),
                      static_cast<std::uint32_t>(std::stoul(words[1]))};
  for (const std::string& place : std::span(words).subspan(2)) {
    const std::unique_ptr<Queue> queue = open(place);
    const queue::Time now = *queue->clock();
    const double submitted = submit(*queue, amount, now);
    std::printf("%s\t%.0f\t%.0f\n",
                place.starts_with("postgres") ? "PostgreSQL"
                : place.starts_with("unix")   ? "Redis"
                                              : "SQLite",
                submitted, work(*queue, amount, now));
  }
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int count, char** words) {
  return vecmill::bench::main_of(std::vector<std::string>(words + 1, words + count));
}
