#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/queue/job.h"
#include "vecmill/result.h"

namespace vecmill::queue {

struct ClaimOptions {
  std::string worker;       ///< for people: host and process
  std::uint32_t count = 1;  ///< at most
  Duration lease = std::chrono::seconds(60);
};

/// Jobs that are claimed for a while, many at a time, and ended one by one. What a call did is
/// durable when it returns. At most one lease of a job is good at any time: who was overtaken is
/// told so and changes nothing. Safe from any thread and process.
///
/// A lease that runs out is a crash: the job is claimed alone from then on, and the third one ends
/// it with the cause "worker_died". So one job that kills its worker takes no other with it.
///   errors  of each call: kIo, kUnavailable, kInvalidData: the queue cannot be used now
class Queue {
 public:
  static constexpr std::uint32_t kCrashes = 3;
  static constexpr std::string_view kWorkerDied = "worker_died";

  virtual ~Queue() = default;

  /// What to hand in as `now`: of a file the time of this machine, of a server that of the server,
  /// so that all workers mean the same.
  virtual Result<Time> clock() = 0;

  /// One id per job, in order, all or none. Of a key that is there already: that job's.
  virtual Result<std::vector<JobId>> submit(std::span<const NewJob> jobs, Time now) = 0;

  /// The most urgent of those that are due; none: there is nothing to do now.
  virtual Result<std::vector<Claimed>> claim(const ClaimOptions& options, Time now) = 0;

  /// When `claim` may have something, if nobody submits, ends or extends anything before; some time
  /// that is over: now; none: never.
  virtual Result<std::optional<Time>> wake() = 0;

  /// Of each lease, whether it is still good; then it ends at `until`.
  virtual Result<std::vector<bool>> extend(std::span<const Lease> leases, Time now, Time until) = 0;

  /// Of each lease, whether it was still good; then its job is done.
  virtual Result<std::vector<bool>> complete(std::span<const Lease> leases, Time now) = 0;

  /// The same; its job waits for another try, or is dead when it has had its attempts.
  virtual Result<std::vector<bool>> fail(std::span<const Failure> failures, Time now) = 0;

  /// The same; its job waits as if it had not been claimed: the worker ends in good order.
  virtual Result<std::vector<bool>> release(std::span<const Lease> leases, Time now) = 0;

  /// If the lease is still good: its job is done, and these stand in its place. Whether it was.
  virtual Result<bool> replace(const Lease& lease, std::span<const NewJob> parts, Time now) = 0;

  /// Those that are not ended yet; leases of theirs are void. How many.
  virtual Result<std::uint64_t> cancel(const JobFilter& which, Time now) = 0;

  /// Begins dead jobs anew, without their failures; `edit` may change the payload. How many.
  using Edit = std::function<std::string(std::string_view payload)>;
  virtual Result<std::uint64_t> redrive(const JobFilter& which, Time now,
                                        const Edit& edit = {}) = 0;

  /// Forgets ended jobs (of one state, if the filter names it) that ended before a time. How many.
  virtual Result<std::uint64_t> purge(const JobFilter& which, Time before) = 0;

  /// At most `limit`, by id.
  virtual Result<std::vector<JobInfo>> list(const JobFilter& which, std::size_t limit) = 0;

  /// How many jobs there are by group and state, and by cause of death, the most frequent first.
  virtual Result<std::vector<Count>> count() = 0;
  virtual Result<std::vector<DeadCount>> dead() = 0;
};

}  // namespace vecmill::queue
