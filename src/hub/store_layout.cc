#include "vecmill/hub/store_layout.h"

#include <algorithm>
#include <system_error>

#include "vecmill/base/mapped_file.h"
#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/zip.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRepoPrefix = "models--";
constexpr std::size_t kLargestRef = 200;

bool is_name_part(std::string_view part) {
  const auto letter_or_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const auto allowed = [&](char c) {
    return letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  };
  return !part.empty() && part.size() <= 96 && std::all_of(part.begin(), part.end(), allowed) &&
         (letter_or_digit(part.front()) || part.front() == '_') &&
         part.find("--") == std::string_view::npos && part.find("..") == std::string_view::npos;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);  // through links: a link to nothing is no file
}

Weights weights_in(const fs::path& folder) {
  if (is_file(folder / "model.safetensors") || is_file(folder / "model.safetensors.index.json")) {
    return Weights::kSafetensors;
  }
  if (is_file(folder / "pytorch_model.bin") || is_file(folder / "pytorch_model.bin.index.json")) {
    return Weights::kPickled;
  }
  return Weights::kNone;
}

}  // namespace

Status check_model_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  const bool good = slash == std::string_view::npos ? is_name_part(name)
                                                    : is_name_part(name.substr(0, slash)) &&
                                                          is_name_part(name.substr(slash + 1));
  if (good) return {};
  return make_error(ErrorKind::kInvalidArgument,
                    "'" + std::string(name) + "' cannot be the name of a model", {},
                    "use org/name or name, of letters, digits, '-', '_' and '.', without '--'");
}

Status check_revision(std::string_view revision) {
  if (is_safe_relative_path(revision) && revision.size() <= kLargestRef) return {};
  return make_error(ErrorKind::kInvalidArgument,
                    "'" + std::string(revision) + "' cannot be a revision", {},
                    "use a branch, a tag, a commit or refs/pr/N");
}

std::string repo_folder(std::string_view name) {
  std::string folder(kRepoPrefix);
  for (const char c : name) {
    if (c == '/') {
      folder += "--";
    } else {
      folder += c;
    }
  }
  return folder;
}

std::optional<std::string> repo_name(std::string_view folder) {
  if (!folder.starts_with(kRepoPrefix)) return std::nullopt;
  std::string name(folder.substr(kRepoPrefix.size()));
  if (const std::size_t at = name.find("--"); at != std::string::npos) name.replace(at, 2, "/");
  if (!check_model_name(name)) return std::nullopt;
  return name;
}

std::string_view bare_name(std::string_view name) { return name.substr(name.rfind('/') + 1); }

fs::path models_folder(const StorePaths& paths) { return paths.home / "models"; }

Weights weights_of(const fs::path& folder) {
  if (!is_file(folder / "config.json") && !is_file(folder / "modules.json")) return Weights::kNone;
  Weights best = weights_in(folder);
  if (best != Weights::kNone || !is_file(folder / "modules.json")) return best;
  for (const std::string& name : names_in(folder)) {  // a module may hold them all
    best = std::max(best, weights_in(folder / name));
  }
  return best;
}

std::optional<Snapshot> find_snapshot(const fs::path& repo, std::string_view revision) {
  const auto snapshot = [&](const std::string& commit) -> std::optional<Snapshot> {
    std::error_code ignored;
    if (!is_safe_relative_path(commit) || commit.find('/') != std::string::npos ||
        !fs::is_directory(repo / "snapshots" / commit, ignored)) {
      return std::nullopt;
    }
    return Snapshot{repo / "snapshots" / commit, commit};
  };
  if (is_hex(revision, 40)) return snapshot(std::string(revision));
  const fs::path ref = repo / "refs" / (revision.empty() ? "main" : std::string(revision));
  if (const auto commit = read_file(ref, kLargestRef)) return snapshot(*commit);
  const std::vector<std::string> all = names_in(repo / "snapshots");
  if (revision.empty() && all.size() == 1) return snapshot(all.front());
  return std::nullopt;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace vecmill::hub
