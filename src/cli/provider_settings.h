#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/cli/toml_file.h"
#include "vecmill/remote.h"
#include "vecmill/result.h"

namespace vecmill::cli {

/// The tables [providers.NAME] of the configuration files.
class ProviderTables {
 public:
  struct Row {
    std::string key;  ///< "providers.voyage.base_url"
    std::string value;
    std::string origin;  ///< "path:line"
  };

  using Variables = std::function<std::optional<std::string>(const std::string& name)>;

  [[nodiscard]] static bool holds(const TomlEntry& entry);

  /// One entry of such a table; a later one replaces an earlier one of the same key. Paths are
  /// taken from the folder of the file; "~/" is `home`.
  ///   errors  kInvalidArgument: an unknown key, a key for the API in the file itself, a value that
  ///           cannot be
  Status add(const TomlEntry& entry, const std::filesystem::path& file, const std::string& home);

  /// Whether each table makes sense as a whole.
  ///   errors  kInvalidArgument naming file, line and key
  [[nodiscard]] Status check() const;

  /// All that is said; an address that the environment replaces, as that does.
  [[nodiscard]] std::vector<Row> rows(const Variables& environment) const;
  [[nodiscard]] const std::map<std::string, ProviderSettings, std::less<>>& providers() const {
    return providers_;
  }

 private:
  std::map<std::string, ProviderSettings, std::less<>> providers_;
  std::map<std::string, std::map<std::string, Row>> rows_;  // by provider and key in its table
};

}  // namespace vecmill::cli
