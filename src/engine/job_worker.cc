#include "vecmill/engine/job_worker.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/engine/lease_keeper.h"

namespace vecmill::engine {
namespace {

using Clock = std::chrono::steady_clock;
using queue::Claimed;
using queue::Time;

/// How often a queue is looked at in which nothing is due: others may submit.
constexpr queue::Duration kPoll{500};
/// Leases that a job of several texts may lose before each text goes alone.
constexpr std::uint32_t kCrashesUntilAlone = 2;
constexpr std::chrono::seconds kLongestDelay = std::chrono::hours(1);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string worker_name() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + "-" + std::to_string(getpid()) + "-" +
         std::to_string(std::random_device{}() % 1'000'000);
}

ModelOptions with_run(ModelOptions machine, const std::string& name) {
  if (machine.spend.run.empty()) machine.spend.run = name;  // --max-cost is for all jobs together
  return machine;
}

/// What another attempt cannot change.
bool is_lasting(ErrorKind kind) {
  return kind == ErrorKind::kInvalidArgument || kind == ErrorKind::kInvalidData ||
         kind == ErrorKind::kUnsupported || kind == ErrorKind::kMismatch ||
         kind == ErrorKind::kTooLong;
}

/// What is the matter with this worker, not with a job.
bool ends_worker(ErrorKind kind) { return kind == ErrorKind::kAuth || kind == ErrorKind::kLimited; }

}  // namespace

struct JobWorker::Ending {
  JobEvent event;
  std::vector<queue::NewJob> parts = {};  ///< kSplit
  queue::Duration retry_in{};             ///< kRetry
  std::optional<Error> ends_worker = {};  ///< kReleased
};

JobWorker::JobWorker(queue::Queue& queue, const WorkOptions& options,
                     const std::function<void(const JobEvent&)>& tell)
    : queue_(queue),
      options_(options),
      tell_(tell),
      name_(worker_name()),
      runner_(with_run(options.machine, name_)) {}

Result<std::uint64_t> JobWorker::dead_letters() {
  VECMILL_ASSIGN(const auto causes, queue_.dead());
  std::uint64_t jobs = 0;
  for (const queue::DeadCount& cause : causes) jobs += cause.jobs;
  return jobs;
}

Result<WorkReport> JobWorker::work(const std::stop_token& stop) {
  const auto start = Clock::now();
  VECMILL_ASSIGN(const std::uint64_t dead_before, dead_letters());
  while (!stop.stop_requested()) {
    VECMILL_ASSIGN(const bool more, work_once(stop));
    if (!more) break;
  }
  VECMILL_ASSIGN(const std::uint64_t dead_now, dead_letters());
  report_.dead_letters =
      std::max(report_.dead, dead_now > dead_before ? dead_now - dead_before : 0);
  report_.seconds = seconds_since(start);
  return report_;
}

/// False when there is nothing left to do and nothing to wait for.
Result<bool> JobWorker::work_once(const std::stop_token& stop) {
  VECMILL_ASSIGN(const Time now, queue_.clock());
  VECMILL_ASSIGN(const auto claimed, queue_.claim({name_, 1, options_.lease}, now));
  if (claimed.empty()) {
    VECMILL_ASSIGN(const auto wake, queue_.wake());
    if (!wake && options_.drain) return false;
    const auto due = wake ? std::max(*wake - now, queue::Duration(1)) : kPoll;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    never.wait_for(lock, stop, std::min(due, kPoll), [] { return false; });
    return true;
  }
  failpoint("job.claimed");
  const auto start = Clock::now();
  Ending ending = do_job(claimed.front(), stop);
  ending.event.seconds = seconds_since(start);
  VECMILL_TRY(finish(claimed.front(), std::move(ending)));
  return true;
}

JobWorker::Ending JobWorker::do_job(const Claimed& claimed, const std::stop_token& stop) {
  const LeaseKeeper keeper(queue_, claimed.lease, options_.lease);
  std::stop_source either;
  const auto request = [&] { either.request_stop(); };
  const std::stop_callback on_stop(stop, request), on_loss(keeper.lost(), request);
  const auto payload = parse_payload(claimed.payload);
  if (!payload) return failed(claimed, payload.error());
  const auto texts = runner_.read(*payload);
  if (!texts) return failed(claimed, texts.error());
  if (claimed.crashes >= kCrashesUntilAlone && texts->records.size() > 1) {
    JobResult all;
    for (std::size_t i = 0; i < texts->records.size(); ++i) all.failed.push_back({i, {}});
    return done_or_split(claimed, *payload, *texts, all);
  }
  const auto result = runner_.run(*payload, *texts, either.get_token());
  failpoint("job.written");
  if (!result) return failed(claimed, result.error());
  return done_or_split(claimed, *payload, *texts, *result);
}

JobWorker::Ending JobWorker::done_or_split(const Claimed& claimed, const JobPayload& payload,
                                           const JobRecords& texts, const JobResult& result) {
  if (result.failed.size() == 1 && texts.records.size() == 1) {
    return failed(claimed, result.failed.front().error);
  }
  Ending ending;
  ending.event.texts = result.texts;
  ending.event.tokens = result.tokens;
  for (const FailedText& text : result.failed) {
    queue::NewJob part;
    part.payload = to_text(texts.only(text.index, payload));
    part.priority = claimed.priority;
    part.group = claimed.group;
    part.attempts = claimed.attempts;
    ending.parts.push_back(std::move(part));
    ending.event.end = JobEnd::kSplit;
  }
  return ending;
}

JobWorker::Ending JobWorker::failed(const Claimed& claimed, const Error& error) const {
  Ending ending;
  ending.event.end = JobEnd::kRetry;
  ending.event.cause = name(error.kind);
  ending.event.message = error.to_string();
  if (error.kind == ErrorKind::kCancelled || ends_worker(error.kind)) {
    ending.event.end = JobEnd::kReleased;
    if (ends_worker(error.kind)) ending.ends_worker = error;
  } else if (is_lasting(error.kind) || claimed.failures + 1 >= claimed.attempts) {
    ending.event.end = JobEnd::kDead;
  }
  auto delay = options_.retry_delay;
  for (std::uint32_t i = 0; i < claimed.failures && delay < kLongestDelay; ++i) delay *= 4;
  ending.retry_in = std::min(delay, kLongestDelay);
  return ending;
}

/// Whether the lease was still good.
Result<bool> JobWorker::end(const Claimed& claimed, Ending& ending) {
  VECMILL_ASSIGN(const Time now, queue_.clock());
  const std::span lease(&claimed.lease, 1);
  queue::Failure failure{claimed.lease, ending.event.cause, ending.event.message};
  Result<std::vector<bool>> good;
  switch (ending.event.end) {
    case JobEnd::kSplit:
      for (queue::NewJob& part : ending.parts) part.due = now;
      return queue_.replace(claimed.lease, ending.parts, now);
    case JobEnd::kDone: good = queue_.complete(lease, now); break;
    case JobEnd::kRetry: failure.retry_at = now + ending.retry_in; [[fallthrough]];
    case JobEnd::kDead: good = queue_.fail(std::span(&failure, 1), now); break;
    default: good = queue_.release(lease, now);
  }
  if (!good) return good.error();
  return good->front();
}

Status JobWorker::finish(const Claimed& claimed, Ending ending) {
  ending.event.job = claimed.lease.job;
  ending.event.group = claimed.group;
  VECMILL_ASSIGN(const bool good, end(claimed, ending));
  failpoint("job.ended");
  if (!good) ending.event.end = JobEnd::kOvertaken;
  count(ending.event);
  if (tell_) tell_(ending.event);
  if (ending.ends_worker) return *ending.ends_worker;
  return {};
}

void JobWorker::count(const JobEvent& event) {
  switch (event.end) {
    case JobEnd::kDone: ++report_.done; break;
    case JobEnd::kSplit: ++report_.split; break;
    case JobEnd::kRetry: ++report_.retried; break;
    case JobEnd::kDead: ++report_.dead; break;
    case JobEnd::kReleased: ++report_.released; break;
    case JobEnd::kOvertaken: ++report_.overtaken; break;
  }
  report_.texts += event.texts;
  report_.tokens += event.tokens;
}

}  // namespace vecmill::engine
