#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace vecmill {

/// How many threads can run at a time: the processors that this process may use, and not more than
/// its control group's share of processor time. At least 1.
[[nodiscard]] std::uint32_t usable_cores();

/// The smallest share of processor time, in processors, that a control group (`group`, as in
/// /proc/self/cgroup) or one above it is given; nothing when none is.
///   root  where the groups are mounted: /sys/fs/cgroup (version 2)
[[nodiscard]] std::optional<double> cpu_quota(const std::filesystem::path& root,
                                              std::string_view group);

struct MemoryLimit {
  std::uint64_t most = 0;  ///< bytes that there may be in use
  std::uint64_t free = 0;  ///< of them not in use, but for copies of files that can be read again
};

/// Of the machine, or of the tightest control group that this process is in.
[[nodiscard]] MemoryLimit usable_memory();

/// The tightest of the control groups of version 2 or 1 that `proc_self_cgroup` (the text of
/// /proc/self/cgroup) names, and of those above them; nothing where none has a limit.
///   root  /sys/fs/cgroup
[[nodiscard]] std::optional<MemoryLimit> group_memory(const std::filesystem::path& root,
                                                      std::string_view proc_self_cgroup);

/// The group of version 2 in the text of /proc/self/cgroup; empty when there is none.
[[nodiscard]] std::string_view own_group(std::string_view proc_self_cgroup);

/// Processor time that this thread has used.
[[nodiscard]] double thread_seconds();

/// The most memory that this process has held at a time.
[[nodiscard]] std::uint64_t peak_rss_bytes();

}  // namespace vecmill
