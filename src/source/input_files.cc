#include "vecmill/source/input_files.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "vecmill/base/utf8.h"

namespace vecmill::source {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormats = "supported are .txt, .jsonl, .csv and .tsv";

std::optional<Format> format_of(std::string_view name) {
  if (name == "txt") return Format::kText;
  if (name == "jsonl") return Format::kJsonl;
  if (name == "csv") return Format::kCsv;
  if (name == "tsv") return Format::kTsv;
  return std::nullopt;
}

std::optional<Format> format_of(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension.empty() ? std::nullopt : format_of(std::string_view(extension).substr(1));
}

bool is_own_output(const fs::path& path) {
  std::error_code ignored;
  const std::string name = path.string();
  for (const std::string_view tail : {".ids.txt", ".records.jsonl", ".failed.jsonl", ".jsonl"}) {
    if (!name.ends_with(tail)) continue;
    const std::string stem = name.substr(0, name.size() - tail.size());
    if (fs::exists(stem + ".meta.json", ignored)) return true;
    if (tail == ".failed.jsonl" && fs::exists(stem + ".db", ignored)) return true;
  }
  return false;
}

Error system_error(const std::string& path, const std::error_code& code) {
  return make_error(
      code == std::errc::no_such_file_or_directory ? ErrorKind::kNotFound : ErrorKind::kIo,
      "cannot read: " + code.message(), path);
}

Status add_folder(const fs::path& folder, std::optional<Format> only,
                  std::vector<InputFile>& files) {
  std::error_code code;
  std::vector<InputFile> found;
  for (fs::recursive_directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const fs::path& path = entry->path();
    if (path.filename().string().starts_with('.')) {
      if (entry->is_directory(code)) entry.disable_recursion_pending();
      continue;
    }
    const auto format = format_of(path);
    if (!format || (only && *format != *only)) continue;
    if (!entry->is_regular_file(code) || is_own_output(path)) continue;
    found.push_back({path.string(), *format});
  }
  if (code) return system_error(folder.string(), code);
  if (found.empty()) {
    return make_error(ErrorKind::kInvalidData, "no supported file is in the folder",
                      folder.string(), std::string(kFormats));
  }
  std::sort(found.begin(), found.end(),
            [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
  std::move(found.begin(), found.end(), std::back_inserter(files));
  return {};
}

Status add_input(const std::string& input, std::optional<Format> forced,
                 std::vector<InputFile>& files) {
  if (input == "-") {
    files.push_back({input, forced.value_or(Format::kText)});
    return {};
  }
  std::error_code code;
  const fs::file_status status = fs::status(input, code);
  if (status.type() == fs::file_type::not_found) {
    return make_error(ErrorKind::kNotFound, "there is no such file or folder", input);
  }
  if (code) return system_error(input, code);
  if (fs::is_directory(status)) return add_folder(input, forced, files);
  const auto format = forced ? forced : format_of(fs::path(input));
  if (!format) {
    return make_error(ErrorKind::kInvalidArgument, "the extension is not one of an input file",
                      input, std::string(kFormats) + "; or name the format");
  }
  files.push_back({input, *format});
  return {};
}

Status check(const std::vector<InputFile>& files) {
  int stdin_count = 0;
  for (const InputFile& file : files) {
    if (!is_valid_utf8(file.path)) {
      return make_error(ErrorKind::kInvalidArgument, "the name of a file is not UTF-8", {},
                        "rename it");
    }
    if (file.path == "-") {
      if (++stdin_count > 1) {
        return make_error(ErrorKind::kInvalidArgument, "standard input is named twice", "-");
      }
    } else if (::access(file.path.c_str(), R_OK) != 0) {
      return system_error(file.path, std::error_code(errno, std::generic_category()));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<InputFile>> list_inputs(std::span<const std::string> inputs,
                                           const std::string& format) {
  const auto forced = format_of(std::string_view(format));
  if (!format.empty() && !forced) {
    return make_error(ErrorKind::kInvalidArgument, "unknown input format \"" + format + "\"", {},
                      "one of txt, jsonl, csv, tsv");
  }
  std::vector<InputFile> files;
  for (const std::string& input : inputs) VECMILL_TRY(add_input(input, forced, files));
  VECMILL_TRY(check(files));
  return files;
}

}  // namespace vecmill::source
