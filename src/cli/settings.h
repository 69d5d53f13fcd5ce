#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "vecmill/cli/budget_settings.h"
#include "vecmill/cli/flags.h"
#include "vecmill/cli/provider_settings.h"
#include "vecmill/result.h"

namespace vecmill::cli {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Where values may come from, strongest first: flags, environment, project file, user file.
struct Layers {
  std::map<std::string, std::string, std::less<>> flags;  ///< by name, as on the command line
  Environment environment;
  std::optional<std::filesystem::path> project_file;
  std::optional<std::filesystem::path> user_file;
};

/// The value of every flag and which layer gave it.
class Settings {
 public:
  ///   errors  kInvalidArgument naming the layer and the nearest valid key, kIo
  static Result<Settings> resolve(const Layers& layers);

  [[nodiscard]] const std::string& text(std::string_view name) const { return at(name).text; }
  [[nodiscard]] std::uint32_t count(std::string_view name) const;
  /// kBytes and kAge; 0 for an empty one.
  [[nodiscard]] std::uint64_t bytes(std::string_view name) const;
  [[nodiscard]] std::uint64_t seconds(std::string_view name) const;
  [[nodiscard]] bool on(std::string_view name) const;
  [[nodiscard]] bool is_default(std::string_view name) const { return at(name).origin.empty(); }
  /// "--dims", "VECMILL_DIMS", "path:line" or "default".
  [[nodiscard]] std::string origin(std::string_view name) const;
  /// Said for this run: by a flag or a variable.
  [[nodiscard]] bool by_hand(std::string_view name) const;
  [[nodiscard]] const ProviderTables& tables() const { return tables_; }
  /// Of the tables: what holds, and where it is from.
  [[nodiscard]] const std::vector<ProviderTables::Row>& table_rows() const { return table_rows_; }
  [[nodiscard]] const BudgetTables& budgets() const { return budgets_; }

 private:
  struct Value {
    std::string text;
    std::string origin;
  };
  [[nodiscard]] const Value& at(std::string_view name) const;
  Status read(const std::filesystem::path& file, const Environment& environment);

  std::map<std::string, Value, std::less<>> values_;
  ProviderTables tables_;
  std::vector<ProviderTables::Row> table_rows_;
  BudgetTables budgets_;
};

/// The nearest vecmill.toml from `folder` upwards.
[[nodiscard]] std::optional<std::filesystem::path> find_project_file(
    const std::filesystem::path& folder);
/// $XDG_CONFIG_HOME/vecmill/config.toml, or under ~/.config, when it is there.
[[nodiscard]] std::optional<std::filesystem::path> find_user_file(const Environment& environment);

}  // namespace vecmill::cli
