#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/cli/exit_code.h"
#include "vecmill/cli/settings.h"
#include "vecmill/jobs.h"
#include "vecmill/result.h"

namespace vecmill::cli {

inline constexpr std::string_view kJobsSchema = "vecmill.jobs.v1";

/// The queue of --queue.
///   create  it is made when it is not there
Result<std::unique_ptr<JobQueue>> open_queue(const Settings& settings, bool create = false);

/// What words name: numbers of jobs together, each other word a group. Without words all jobs.
///   cause  empty: any
[[nodiscard]] std::vector<JobSelection> selections(std::span<const std::string> words,
                                                   const std::string& cause = {});

/// "2026-11-22 07:03:11", of UTC.
[[nodiscard]] std::string time_text(JobTime time);

/// "1 job" or "3 jobs".
[[nodiscard]] std::string jobs_of(std::uint64_t count);

/// `vecmill dead VERB` for the queue of --queue, ready to paste into a shell.
[[nodiscard]] std::string dead_command(const Settings& settings, const std::string& verb);

/// A line for each job: what it is, and what became of it. Whether there are any.
Result<bool> print_jobs(const Settings& settings, const std::vector<JobSelection>& which,
                        bool dead_only = false);

using ChangeJobs = std::function<Result<std::uint64_t>(JobQueue&, const JobSelection&)>;

/// Does something to jobs and prints to how many: "purged 3 jobs".
Result<ExitCode> change_jobs(const Settings& settings, const std::vector<JobSelection>& which,
                             const std::string& done, const ChangeJobs& change);

}  // namespace vecmill::cli
