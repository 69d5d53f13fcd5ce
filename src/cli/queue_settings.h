#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vecmill/cli/settings.h"
#include "vecmill/jobs.h"
#include "vecmill/result.h"

namespace vecmill::cli {

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

/// A line for each job: what it is, and what became of it.
Status print_jobs(const std::vector<JobStatus>& jobs, bool json);

/// How many jobs something was done to, as `--json` or people read it.
Status print_count(const Settings& settings, const std::string& done, std::uint64_t jobs);

}  // namespace vecmill::cli
