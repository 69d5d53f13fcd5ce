#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "vecmill/engine/job_runner.h"
#include "vecmill/jobs.h"
#include "vecmill/queue/queue.h"

namespace vecmill::engine {

/// Claims jobs one by one and ends each: done; split, where some texts failed or one may have
/// killed workers; tried again later; dead; or handed back.
class JobWorker {
 public:
  JobWorker(queue::Queue& queue, const WorkOptions& options,
            const std::function<void(const JobEvent&)>& tell);

  ///   errors  as JobQueue::work
  Result<WorkReport> work(const std::stop_token& stop);

 private:
  /// What a job has come to, and how to end it.
  struct Ending;

  Result<bool> work_once(const std::stop_token& stop);
  Ending do_job(const queue::Claimed& claimed, const std::stop_token& stop);
  Ending done_or_split(const queue::Claimed& claimed, const JobPayload& payload,
                       const JobRecords& texts, const JobResult& result);
  [[nodiscard]] Ending failed(const queue::Claimed& claimed, const Error& error) const;
  Result<bool> end(const queue::Claimed& claimed, Ending& ending);
  Status finish(const queue::Claimed& claimed, Ending ending);
  void count(const JobEvent& event);
  Result<std::uint64_t> dead_letters();

  queue::Queue& queue_;
  const WorkOptions options_;
  const std::function<void(const JobEvent&)>& tell_;
  const std::string name_;
  JobRunner runner_;
  WorkReport report_;
};

}  // namespace vecmill::engine
