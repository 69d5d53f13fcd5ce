#include "vecmill/base/resources.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

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

}  // namespace

std::string_view own_group(std::string_view proc_self_cgroup) {
  constexpr std::string_view kStart = "0::/";
  while (!proc_self_cgroup.empty()) {
    const std::size_t end = std::min(proc_self_cgroup.find('\n'), proc_self_cgroup.size());
    const std::string_view line = proc_self_cgroup.substr(0, end);
    if (line.starts_with(kStart)) return line.substr(kStart.size());
    proc_self_cgroup.remove_prefix(std::min(end + 1, proc_self_cgroup.size()));
  }
  return {};
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
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == "VmHWM:" && in >> kilobytes) return kilobytes * 1024;
  }
  // Without /proc; the memory of whoever started this process counts here, too.
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace vecmill
