#include "vecmill/machine.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "vecmill/base/resources.h"
#include "vecmill/encode/isa.h"
#include "vecmill/hub/store.h"

namespace vecmill {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLittleSpace = std::uint64_t{1} << 30;

MachineFact processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name"))
      return {"processor", line.substr(line.find(':') + 2), true, {}};
  }
  return {"processor", "unknown", true, {}};
}

MachineFact instruction_set() {
  std::string all;
  for (const encode::Isa isa : encode::available_isas()) {
    all += (all.empty() ? "" : ", ") + std::string(name(isa));
  }
  const auto chosen = encode::choose_isa();
  if (!chosen) return {"instruction set", chosen.error().to_string(), false, chosen.error().hint};
  return {"instruction set", std::string(name(*chosen)) + " (of " + all + ")", true, {}};
}

MachineFact memory() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, sysconf(_SC_PHYS_PAGES)));
  const auto bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const bool enough = bytes >= kLittleSpace;
  return {"memory", std::to_string(bytes >> 20) + " MiB", enough,
          enough ? "" : "large models will not fit"};
}

/// The nearest folder above that exists.
fs::path existing(fs::path path) {
  std::error_code error;
  while (!fs::exists(path, error) && path != path.parent_path()) path = path.parent_path();
  return path;
}

MachineFact home(const hub::StorePaths& paths) {
  const fs::path folder = existing(paths.home);
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (access(folder.c_str(), W_OK) != 0) {
    return {"store", paths.home.string() + " is not writable", false,
            "set VECMILL_HOME to a folder of yours"};
  }
  const bool enough = !error && space.available >= kLittleSpace;
  return {"store", paths.home.string() + ", " + std::to_string(space.available >> 20) + " MiB free",
          enough, enough ? "" : "make room, or set VECMILL_HOME to another disk"};
}

MachineFact models(const hub::StorePaths& paths) {
  const auto list = hub::Store(paths).list();
  if (!list) return {"models", list.error().to_string(), false, list.error().hint};
  std::string names;
  for (const hub::ModelEntry& entry : *list) names += (names.empty() ? "" : ", ") + entry.name;
  if (names.empty()) {
    return {"models", "none", false,
            "get one: vecmill pull sentence-transformers/all-MiniLM-L6-v2"};
  }
  return {"models", names, true, {}};
}

}  // namespace

std::vector<MachineFact> examine_machine() {
  std::vector<MachineFact> facts = {
      {"version", version(), true, {}}, processor(), instruction_set()};
  facts.push_back({"threads", std::to_string(usable_cores()), true, {}});
  facts.push_back(memory());
  const auto paths = hub::StorePaths::from_environment();
  if (!paths) {
    facts.push_back({"store", paths.error().message, false, paths.error().hint});
    return facts;
  }
  facts.push_back(home(*paths));
  facts.push_back(models(*paths));
  return facts;
}

std::string version() { return VECMILL_VERSION; }

}  // namespace vecmill
