// What a queue costs: queue_bench PLACE..., each FILE.db, postgres://... or unix:///socket of a
// Redis. Jobs of 200 bytes are submitted, claimed and completed, 256 at a time, by one worker.
// Rounds of all places take turns; a line a place: jobs a second, median (least to most).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
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

constexpr std::size_t kPayload = 200, kBatch = 256, kBatches = 200;
constexpr int kRounds = 5;

std::unique_ptr<Queue> open(const std::string& place) {
  if (place.starts_with("postgres")) return std::move(*queue::open_postgres_queue(place));
  if (!place.starts_with("unix")) return std::move(*queue::open_sqlite_queue(place));
  queue::RedisQueueOptions options;
  options.client.address = *redis::parse_address(place);
  options.client.answer_within = std::chrono::seconds(10);
  options.create = true;
  return std::move(*queue::open_redis_queue(options));
}

struct Rates {
  std::vector<double> submit, work;
};

double rate(Clock::time_point start) {
  return static_cast<double>(kBatch * kBatches) /
         std::chrono::duration<double>(Clock::now() - start).count();
}

void run(Queue& queue, Rates& rates) {
  const queue::Time now = *queue.clock();
  queue::NewJob job;
  job.payload.assign(kPayload, 'x');
  job.due = now;
  job.group = "bench";
  const std::vector<queue::NewJob> jobs(kBatch, job);
  auto start = Clock::now();
  for (std::size_t i = 0; i < kBatches; ++i) VECMILL_CHECK(queue.submit(jobs, now));
  rates.submit.push_back(rate(start));
  start = Clock::now();
  for (std::size_t i = 0; i < kBatches; ++i) {
    const auto claimed = queue.claim({"bench", kBatch}, now);
    VECMILL_CHECK(claimed && claimed->size() == kBatch);
    std::vector<queue::Lease> leases;
    for (const queue::Claimed& one : *claimed) leases.push_back(one.lease);
    const auto done = queue.complete(leases, now);
    VECMILL_CHECK(done && std::ranges::count(*done, true) == kBatch);
  }
  rates.work.push_back(rate(start));
}

std::string shown(std::vector<double> rates) {
  std::ranges::sort(rates);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%8.0f (%.0f to %.0f)", rates[rates.size() / 2],
                rates.front(), rates.back());
  return text.data();
}

int main_of(const std::vector<std::string>& places) {
  std::vector<std::unique_ptr<Queue>> queues;
  for (const std::string& place : places) queues.push_back(open(place));
  std::vector<Rates> rates(places.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < places.size(); ++i) run(*queues[i], rates[i]);
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::printf("%s\n  submit            %s jobs/s\n  claim + complete  %s jobs/s\n",
                places[i].substr(0, places[i].find(':')).c_str(), shown(rates[i].submit).c_str(),
                shown(rates[i].work).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int count, char** words) {
  return vecmill::bench::main_of(std::vector<std::string>(words + 1, words + count));
}
