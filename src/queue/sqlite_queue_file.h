#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "vecmill/base/database.h"
#include "vecmill/queue/job.h"

namespace vecmill::queue {

/// The file of a queue: mode 0600 and the owner checked, one version. Never begun anew when it is
/// damaged: what is in it was asked for.
Result<Database> open_queue_file(const std::filesystem::path& path);

/// Runs `what` ("UPDATE jobs SET ..." or "DELETE FROM jobs") on the jobs of a filter that also
/// satisfy a condition; how many.
Result<std::uint64_t> change_in(Database& db, const std::string& what, const JobFilter& which,
                                const std::string& condition);

Result<std::vector<JobInfo>> list_jobs(Database& db, const JobFilter& which, std::size_t limit);
Result<std::vector<Count>> count_jobs(Database& db);
Result<std::vector<DeadCount>> count_dead(Database& db);

}  // namespace vecmill::queue
