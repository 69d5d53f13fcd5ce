#include "vecmill/base/resources.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <utility>

namespace vecmill {
namespace {

namespace fs = std::filesystem;

/// "200000 100000" is two processors, "max 100000" is no limit.
std::optional<double> read_quota(const fs::path& file) {
  std::ifstream in(file);
  double quota = 0, period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

/// The path behind `start` ("0::/") in the text of /proc/self/cgroup.
std::optional<std::string_view> find_group(std::string_view text, std::string_view start) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size());
    if (line.starts_with(start)) return line.substr(start.size());
    if (line.substr(colon).starts_with(start)) return line.substr(colon + start.size());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

/// A number alone in a file; "max" is none.
std::optional<std::uint64_t> read_bytes(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  if (!(in >> bytes)) return std::nullopt;
  return bytes;
}

/// Of lines like "inactive_file 4096" or "VmHWM: 4096 kB" the one that begins with `name`; 0: none.
std::uint64_t read_line(const fs::path& file, std::string_view name) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  for (std::string word; in >> word; in.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    if (word == name && in >> value) return value;
    in.clear();
  }
  return 0;
}

/// How the versions of control groups name things.
struct GroupFiles {
  const char *folder, *most, *used;
  std::array<const char*, 2> copies;  ///< of files, in memory.stat
};

std::optional<MemoryLimit> memory_of(const fs::path& folder, const GroupFiles& files) {
  constexpr std::uint64_t kNone = std::uint64_t{1} << 60;  // version 1 says almost 2^63
  const auto most = read_bytes(folder / files.most), used = read_bytes(folder / files.used);
  if (!most || !used || *most >= kNone) return std::nullopt;
  std::uint64_t copies = 0;
  for (const char* name : files.copies) copies += read_line(folder / "memory.stat", name);
  const std::uint64_t kept = *used - std::min(*used, copies);
  return MemoryLimit{*most, *most - std::min(*most, kept)};
}

}  // namespace

std::string_view own_group(std::string_view proc_self_cgroup) {
  return find_group(proc_self_cgroup, "0::/").value_or(std::string_view());
}

std::optional<MemoryLimit> group_memory(const fs::path& root, std::string_view proc_self_cgroup) {
  const GroupFiles second{"", "memory.max", "memory.current", {"inactive_file", "active_file"}};
  const GroupFiles first{"memory",
                         "memory.limit_in_bytes",
                         "memory.usage_in_bytes",
                         {"total_inactive_file", "total_active_file"}};
  std::optional<MemoryLimit> tightest;
  const auto look = [&](const fs::path& folder, const GroupFiles& files) {
    const auto found = memory_of(folder, files);
    if (found && (!tightest || found->free < tightest->free)) tightest = found;
  };
  for (const auto& [files, start] : {std::pair(second, "0::/"), std::pair(first, ":memory:/")}) {
    const auto group = find_group(proc_self_cgroup, start);
    fs::path folder = root / files.folder;
    look(folder, files);
    for (const fs::path& name : fs::path(group.value_or(std::string_view()))) {
      folder /= name;
      look(folder, files);
    }
  }
  return tightest;
}

MemoryLimit usable_memory() {
  constexpr std::uint64_t kUnit = 1024;
  const MemoryLimit machine{read_line("/proc/meminfo", "MemTotal:") * kUnit,
                            read_line("/proc/meminfo", "MemAvailable:") * kUnit};
  std::ifstream in("/proc/self/cgroup");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto group = group_memory("/sys/fs/cgroup", text);
  if (!group) return machine;
  return {std::min(machine.most, group->most), std::min(machine.free, group->free)};
}

std::optional<double> cpu_quota(const fs::path& root, std::string_view group) {
  std::optional<double> smallest = read_quota(root / "cpu.max");
  fs::path folder = root;
  for (const fs::path& name : fs::path(group)) {
    folder /= name;
    const std::optional<double> quota = read_quota(folder / "cpu.max");
    if (quota) smallest = std::min(*quota, smallest.value_or(*quota));
  }
  return smallest;
}

std::uint32_t usable_cores() {
  std::ifstream in("/proc/self/cgroup");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::uint32_t processors = std::max(1U, std::thread::hardware_concurrency());
  const std::optional<double> quota = cpu_quota("/sys/fs/cgroup", own_group(text));
  if (!quota) return processors;
  return static_cast<std::uint32_t>(std::clamp(std::ceil(*quota), 1.0, double{1} * processors));
}

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::uint64_t peak_rss_bytes() {
  const std::uint64_t kilobytes = read_line("/proc/self/status", "VmHWM:");
  if (kilobytes > 0) return kilobytes * 1024;
  // Without /proc; the memory of whoever started this process counts here, too.
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace vecmill
