#include "vecmill/cli/provider_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "vecmill/base/suggest.h"

namespace vecmill::cli {
namespace {

constexpr std::string_view kTables = "providers.";

/// A key of a table and the member that it sets; one of the pointers is set.
struct Member {
  std::string_view key;
  std::string ProviderSettings::*text = nullptr;
  std::uint32_t ProviderSettings::*count = nullptr;
  bool ProviderSettings::*yes = nullptr;
  std::chrono::seconds ProviderSettings::*time = nullptr;
};

constexpr std::array kMembers{
    Member{.key = "api", .text = &ProviderSettings::api},
    Member{.key = "base_url", .text = &ProviderSettings::base_url},
    Member{.key = "key_env", .text = &ProviderSettings::key_env},
    Member{.key = "key_file", .text = &ProviderSettings::key_file},
    Member{.key = "requests_per_minute", .count = &ProviderSettings::requests_per_minute},
    Member{.key = "tokens_per_minute", .count = &ProviderSettings::tokens_per_minute},
    Member{.key = "inputs_per_minute", .count = &ProviderSettings::inputs_per_minute},
    Member{.key = "in_flight", .count = &ProviderSettings::in_flight},
    Member{.key = "batch_size", .count = &ProviderSettings::batch_size},
    Member{.key = "timeout", .time = &ProviderSettings::timeout},
    Member{.key = "plain_http", .yes = &ProviderSettings::plain_http},
    Member{.key = "price", .text = &ProviderSettings::price},
    Member{.key = "dims", .count = &ProviderSettings::dims},
    Member{.key = "query_prompt_name", .text = &ProviderSettings::query_prompt_name},
    Member{.key = "document_prompt_name", .text = &ProviderSettings::document_prompt_name},
};

/// What people call the key itself.
constexpr std::array<std::string_view, 8> kSecrets{"key",   "api_key", "apikey",   "secret",
                                                   "token", "auth",    "password", "bearer"};

Error wrong(std::string message, const std::string& where, std::string hint = {}) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), where, std::move(hint));
}

Error unknown_key(const std::string& full, std::string_view key, const std::string& where) {
  if (std::ranges::find(kSecrets, key) != kSecrets.end()) {
    return wrong(full + ": a key does not belong into this file, which is copied and shared", where,
                 "name the variable that holds it (key_env) or a file of its own (key_file)");
  }
  std::vector<std::string_view> keys;
  keys.reserve(kMembers.size());
  for (const Member& member : kMembers) keys.push_back(member.key);
  std::string hint = suggestion(key, keys);
  if (hint.empty()) {
    for (const std::string_view one : keys)
      hint += (hint.empty() ? "use " : ", ") + std::string(one);
  }
  return wrong("unknown key " + full, where, hint);
}

std::optional<std::uint32_t> whole(const std::string& text) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number == 0) return std::nullopt;
  return number;
}

/// A path as it is meant where it is written.
std::string path_from(const std::string& text, const std::filesystem::path& file,
                      const std::string& home) {
  if (text.starts_with("~/")) return (std::filesystem::path(home) / text.substr(2)).string();
  return (std::filesystem::absolute(file).parent_path() / text).lexically_normal().string();
}

Status set(const Member& member, const std::string& full, const TomlEntry& entry,
           ProviderSettings& settings) {
  if (entry.value.empty()) return wrong(full + " is empty", entry.where, "leave it out");
  if (member.text != nullptr) settings.*member.text = entry.value;
  if (member.yes != nullptr) {
    if (entry.value != "true" && entry.value != "false") {
      return wrong(full + " is neither true nor false", entry.where);
    }
    settings.*member.yes = entry.value == "true";
  }
  if (member.count == nullptr && member.time == nullptr) return {};
  const auto number = whole(entry.value);
  if (!number) {
    return wrong(full + " is no whole number above 0", entry.where,
                 member.time != nullptr ? "a number of seconds" : "leave it out for the API's own");
  }
  if (member.count != nullptr) settings.*member.count = *number;
  if (member.time != nullptr) settings.*member.time = std::chrono::seconds(*number);
  return {};
}

/// Of a table that has none of the two: its name is wrong, or its API is missing.
std::string name_hint(const std::string& name) {
  const std::vector<std::string_view> apis = remote_apis();
  const std::string near = suggestion(name, apis);
  return near.empty() ? std::string() : near + " Or else ";
}

}  // namespace

bool ProviderTables::holds(const TomlEntry& entry) { return entry.key.starts_with(kTables); }

Status ProviderTables::add(const TomlEntry& entry, const std::filesystem::path& file,
                           const std::string& home) {
  const std::string inner = entry.key.substr(kTables.size());
  const std::size_t dot = inner.find('.');
  if (dot == std::string::npos) {
    return wrong("unknown key " + entry.key, entry.where,
                 "a provider is a table: [providers." + inner + "]");
  }
  const std::string name = inner.substr(0, dot);
  const std::string key = inner.substr(dot + 1);
  const auto member = std::ranges::find(kMembers, key, &Member::key);
  if (member == kMembers.end()) return unknown_key(entry.key, key, entry.where);
  TomlEntry meant = entry;
  if (key == "key_file" && !entry.value.empty()) meant.value = path_from(entry.value, file, home);
  VECMILL_TRY(set(*member, entry.key, meant, providers_[name]));
  rows_[name][key] = {entry.key, meant.value, entry.where};
  return {};
}

Status ProviderTables::check() const {
  for (const auto& [name, settings] : providers_) {
    Status fit = check_provider(name, settings);
    if (fit) continue;
    Error error = std::move(fit).error();
    const auto& rows = rows_.at(name);
    const auto row = rows.find(error.where);
    const std::string full = std::string(kTables) + name;
    error.message.insert(0, row == rows.end() ? full + ": " : row->second.key + ": ");
    if (row == rows.end()) error.hint.insert(0, name_hint(name));
    error.where = row == rows.end() ? rows.begin()->second.origin : row->second.origin;
    return error;
  }
  return {};
}

std::vector<ProviderTables::Row> ProviderTables::rows(const Variables& environment) const {
  std::vector<Row> all;
  for (const auto& [name, rows] : rows_) {
    const std::string variable = provider_variables(name, providers_.at(name)).base_url;
    const std::string address = environment(variable).value_or("");
    for (const auto& [key, row] : rows) {
      if (key != "base_url" || address.empty()) all.push_back(row);
    }
    // What is not checked yet may hold a password.
    const bool fit = address.find_first_of("@?#") == std::string::npos;
    if (!address.empty()) {
      all.push_back({std::string(kTables) + name + ".base_url", fit ? address : "...", variable});
    }
  }
  return all;
}

}  // namespace vecmill::cli
