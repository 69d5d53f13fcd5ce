#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill {

/// Where jobs wait (docs/jobs.md).
struct QueueOptions {
  std::string place;         ///< FILE.db of one machine; postgres://..., redis://... of many
  bool create = true;        ///< when it is not there
  SharedOptions redis = {};  ///< password and certificates, where the place is a Redis
};

enum class JobPriority : std::uint8_t { kLow, kNormal, kHigh, kUrgent };

/// One `embed` that becomes many jobs, each a range of its records.
struct Submission {
  ModelOptions model;
  EmbedJob job;       ///< `out`: one that several may write into; of a table also itself
  std::string group;  ///< what they are called together; empty: a name is made up
  JobPriority priority = JobPriority::kNormal;
  std::uint32_t job_texts = 1000;  ///< of a job, at most
  std::uint32_t attempts = 3;      ///< failures that a job is allowed, the last one included
  bool texts_inline = false;       ///< texts go into the queue; those of standard input always do
};

struct Submitted {
  std::string group;
  std::uint64_t jobs = 0, texts = 0;
};

/// Which jobs; a member that is empty asks for nothing.
struct JobSelection {
  std::vector<std::uint64_t> ids = {};
  std::string group = {};
  std::string cause = {};
};

using JobTime = std::chrono::sys_time<std::chrono::milliseconds>;

struct JobStatus {
  std::uint64_t id = 0;
  std::string group;
  std::string state;  ///< waiting, delayed, leased, done, dead, cancelled
  std::string texts;  ///< which: "notes.jsonl, records 1 to 1000", or the id of the only one
  std::uint32_t claims = 0, failures = 0, crashes = 0;
  JobTime made = {}, due = {}, lease_ends = {}, ended = {};
  std::string worker;  ///< the last that had it
  std::string cause, message;
};

struct GroupStatus {
  std::string group;
  std::uint64_t waiting = 0, delayed = 0, leased = 0, done = 0, dead = 0, cancelled = 0;

  [[nodiscard]] std::uint64_t open() const { return waiting + delayed + leased; }
};

struct DeadCause {
  std::string cause;
  std::uint64_t jobs = 0;
  JobTime first = {}, last = {};  ///< when they died
};

/// What to change in jobs that begin anew.
struct RedriveEdit {
  std::optional<Truncate> truncate = {};
};

enum class JobEnd : std::uint8_t {
  kDone,
  kSplit,      ///< done but for some texts, which are jobs of their own now
  kRetry,      ///< failed, and waits for another attempt
  kDead,       ///< failed for the last time
  kReleased,   ///< given back as it was
  kOvertaken,  ///< its lease ran out, and somebody else has it
};

/// "done", "split", ...
[[nodiscard]] std::string_view name(JobEnd end);

/// What became of a job.
struct JobEvent {
  std::uint64_t job = 0;
  std::string group;
  JobEnd end = JobEnd::kDone;
  std::uint64_t texts = 0;  ///< that were written
  std::uint64_t tokens = 0;
  double seconds = 0;
  std::string cause, message;  ///< kRetry, kDead
};

struct WorkOptions {
  ModelOptions machine;  ///< threads, cache, limits, budgets; model and dtype are each job's own
  std::chrono::seconds lease{60};
  std::chrono::seconds retry_delay{
      30};             ///< before the second attempt; four times that for each next
  bool drain = false;  ///< end when nothing waits and nothing is under way
};

struct WorkReport {
  std::uint64_t done = 0, split = 0, retried = 0, dead = 0, released = 0, overtaken = 0;  ///< jobs
  std::uint64_t texts = 0, tokens = 0;
  std::uint64_t dead_letters = 0;  ///< that came into the queue meanwhile, whoever worked
  double seconds = 0;
};

/// Jobs and who does them. Safe from any thread and process.
class JobQueue {
 public:
  ///   errors  kInvalidArgument: no place for jobs; kNotFound, kIo, kUnsupported, kInvalidData
  static Result<std::unique_ptr<JobQueue>> open(const QueueOptions& options);
  ~JobQueue();

  /// Opens the model, makes the output ready and reads all texts once; then all jobs are in the
  /// queue or none.
  ///   errors  those of Engine::open and of reading; kInvalidArgument: an output of one writer, a
  ///           collection as input, a password in a URL
  Result<Submitted> submit(const Submission& submission);

  Result<std::vector<GroupStatus>> groups();
  Result<std::vector<JobStatus>> jobs(const JobSelection& which, std::uint64_t after,
                                      std::size_t limit, bool dead_only = false);
  /// How many were not ended yet.
  Result<std::uint64_t> cancel(const JobSelection& which);
  /// Forgets those that ended so long ago. How many.
  Result<std::uint64_t> purge(const JobSelection& which, std::chrono::seconds ago,
                              bool dead_only = false);
  Result<std::vector<DeadCause>> dead();
  /// How many begin anew.
  Result<std::uint64_t> redrive(const JobSelection& which, const RedriveEdit& edit = {});

  /// Does jobs, one after the other, until `stop`: then the job at hand goes back.
  ///   errors  kAuth, kLimited: this worker cannot go on, and what it had goes back; those of the
  ///           queue
  Result<WorkReport> work(const WorkOptions& options,
                          const std::function<void(const JobEvent&)>& tell = {},
                          const std::stop_token& stop = {});

 private:
  struct State;
  explicit JobQueue(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vecmill
