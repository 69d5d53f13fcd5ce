#include "vecmill/cli/settings.h"

#include <charconv>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/base/suggest.h"
#include "vecmill/cli/quantity.h"
#include "vecmill/cli/toml_file.h"

namespace vecmill::cli {
namespace {

Error unknown_key(const TomlEntry& entry) {
  std::vector<std::string> keys;
  for (const Flag& flag : all_flags()) {
    if (flag.setting) keys.push_back(file_key(flag));
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::string hint = suggestion(entry.key, views);
  if (hint.empty()) hint = "`vecmill config show` lists all keys";
  return make_error(ErrorKind::kInvalidArgument, "unknown key " + entry.key, entry.where, hint);
}

const Flag* setting_of_key(std::string_view key) {
  for (const Flag& flag : all_flags()) {
    if (!flag.setting) continue;
    for (const std::string& one : file_keys(flag)) {
      if (one == key) return &flag;
    }
  }
  return nullptr;
}

}  // namespace

Status Settings::read(const std::filesystem::path& file, const Environment& environment) {
  const std::string home = environment("HOME").value_or("");
  VECMILL_ASSIGN(const std::vector<TomlEntry> entries, read_toml(file));
  for (const TomlEntry& entry : entries) {
    if (ProviderTables::holds(entry)) {
      VECMILL_TRY(tables_.add(entry, file, home));
      continue;
    }
    const Flag* flag = setting_of_key(entry.key);
    if (flag == nullptr && BudgetTables::has(entry.key)) {
      VECMILL_TRY(budgets_.add(entry));
      continue;
    }
    if (flag == nullptr) return unknown_key(entry);
    VECMILL_TRY(check_value(*flag, entry.value, entry.where));
    values_[std::string(flag->name)] = {entry.value, entry.where};
  }
  return {};
}

Result<Settings> Settings::resolve(const Layers& layers) {
  Settings settings;
  for (const Flag& flag : all_flags()) {
    settings.values_[std::string(flag.name)] = {std::string(flag.fallback), ""};
  }
  if (layers.user_file) VECMILL_TRY(settings.read(*layers.user_file, layers.environment));
  if (layers.project_file) VECMILL_TRY(settings.read(*layers.project_file, layers.environment));
  VECMILL_TRY(settings.tables_.check());
  settings.table_rows_ = settings.tables_.rows(layers.environment);
  for (const Flag& flag : all_flags()) {
    if (!flag.setting) continue;
    for (const std::string& name : environment_names(flag)) {
      const auto value = layers.environment(name);
      if (!value || value->empty()) continue;
      VECMILL_TRY(check_value(flag, *value, name));
      settings.values_[std::string(flag.name)] = {*value, name};
      break;
    }
  }
  for (const auto& [name, value] : layers.flags) {
    const Flag* flag = find_flag(name);
    VECMILL_CHECK(flag != nullptr);
    VECMILL_TRY(check_value(*flag, value, "--" + name));
    settings.values_[name] = {value, "--" + name};
  }
  return settings;
}

const Settings::Value& Settings::at(std::string_view name) const {
  const auto found = values_.find(name);
  VECMILL_CHECK(found != values_.end());
  return found->second;
}

std::uint32_t Settings::count(std::string_view name) const {
  const std::string& value = text(name);
  std::uint32_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

std::uint64_t Settings::bytes(std::string_view name) const {
  return parse_bytes(text(name)).value_or(0);
}

std::uint64_t Settings::seconds(std::string_view name) const {
  return parse_age(text(name)).value_or(0);
}

bool Settings::on(std::string_view name) const {
  const std::string& value = text(name);
  return value == "true" || value == "1";
}

std::string Settings::origin(std::string_view name) const {
  const std::string& origin = at(name).origin;
  return origin.empty() ? "default" : origin;
}

bool Settings::by_hand(std::string_view name) const {
  const std::string& origin = at(name).origin;
  return origin.starts_with("--") || origin.starts_with("VECMILL_");
}

std::optional<std::filesystem::path> find_project_file(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::path at = folder;; at = at.parent_path()) {
    const std::filesystem::path file = at / "vecmill.toml";
    if (std::filesystem::is_regular_file(file, error)) return file;
    if (at == at.parent_path()) return std::nullopt;
  }
}

std::optional<std::filesystem::path> find_user_file(const Environment& environment) {
  std::filesystem::path folder;
  if (const auto xdg = environment("XDG_CONFIG_HOME"); xdg && !xdg->empty()) {
    folder = *xdg;
  } else if (const auto home = environment("HOME"); home && !home->empty()) {
    folder = std::filesystem::path(*home) / ".config";
  } else {
    return std::nullopt;
  }
  std::error_code error;
  const std::filesystem::path file = folder / "vecmill" / "config.toml";
  if (!std::filesystem::is_regular_file(file, error)) return std::nullopt;
  return file;
}

}  // namespace vecmill::cli
