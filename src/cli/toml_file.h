#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::cli {

struct TomlEntry {
  std::string key;  ///< "table.key" inside tables
  std::string value;
  std::string where;  ///< "path:line"
};

/// The entries of a configuration file in order: texts, numbers, true and false.
///   errors  kNotFound, kIo; kInvalidArgument naming the line: not TOML, or another type
Result<std::vector<TomlEntry>> read_toml(const std::filesystem::path& path);

}  // namespace vecmill::cli
