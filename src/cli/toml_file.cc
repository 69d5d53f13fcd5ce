#include "vecmill/cli/toml_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "vecmill/base/mapped_file.h"

namespace vecmill::cli {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

std::string place(const std::filesystem::path& path, const toml::source_region& source) {
  return path.string() + ":" + std::to_string(source.begin.line);
}

/// 0.1 as "0.1", 1e-7 as "0.0000001".
std::string plain(double number) {
  std::array<char, 400> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  return error == std::errc() ? std::string(text.data(), end) : "too large";
}

Status collect(const toml::table& table, const std::string& prefix,
               const std::filesystem::path& path, std::vector<TomlEntry>& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const std::string where = place(path, node.source());
    if (const auto* inner = node.as_table()) {
      VECMILL_TRY(collect(*inner, key + ".", path, entries));
    } else if (const auto text = node.value_exact<std::string>()) {
      entries.push_back({key, *text, where});
    } else if (const auto number = node.value_exact<std::int64_t>()) {
      entries.push_back({key, std::to_string(*number), where});
    } else if (const auto real = node.value_exact<double>()) {
      entries.push_back({key, plain(*real), where});
    } else if (const auto truth = node.value_exact<bool>()) {
      entries.push_back({key, *truth ? "true" : "false", where});
    } else {
      return make_error(ErrorKind::kInvalidArgument,
                        key + " must be a text, a number, true or false", where);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<TomlEntry>> read_toml(const std::filesystem::path& path) {
  VECMILL_ASSIGN(const std::string content, read_file(path, kMaxBytes));
  std::vector<TomlEntry> entries;
  try {
    VECMILL_TRY(collect(toml::parse(content), "", path, entries));
  } catch (const toml::parse_error& error) {
    return make_error(ErrorKind::kInvalidArgument,
                      "is not valid TOML: " + std::string(error.description()),
                      place(path, error.source()));
  }
  return entries;
}

}  // namespace vecmill::cli
