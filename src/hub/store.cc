#include "vecmill/hub/store.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "vecmill/hub/staging.h"
#include "vecmill/hub/store_layout.h"
#include "vecmill/hub/verify.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

constexpr Origin kRepositories[] = {Origin::kStore, Origin::kHubCache};

std::optional<fs::path> path_from(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  if (std::string_view(value).starts_with("~/")) {
    if (const char* home = std::getenv("HOME")) return fs::path(home) / (value + 2);
  }
  return fs::path(value);
}

/// `$VARIABLE`, else below the home folder; nothing when neither is there.
std::optional<fs::path> xdg_folder(const char* variable, const char* below_home) {
  if (auto path = path_from(variable)) return path;
  if (const auto home = path_from("HOME")) return *home / below_home;
  return std::nullopt;
}

const fs::path& root_of(const StorePaths& paths, Origin origin) {
  return origin == Origin::kHubCache ? paths.hub_cache : paths.torch_cache;
}

/// The folder with the `models--...` folders of an origin; empty when there is none.
fs::path repositories(const StorePaths& paths, Origin origin) {
  return origin == Origin::kStore ? models_folder(paths) : root_of(paths, origin);
}

/// Old sentence-transformers wrote org/name as org_name, and plain names as they are.
std::string name_in_torch_cache(std::string folder) {
  if (const std::size_t at = folder.find('_'); at != std::string::npos) folder[at] = '/';
  return folder;
}

void list_repositories(const StorePaths& paths, Origin origin,
                       std::map<std::string, ModelEntry>& found) {
  const fs::path root = repositories(paths, origin);
  if (root.empty()) return;
  for (const std::string& folder : names_in(root)) {
    const auto name = repo_name(folder);
    if (!name) continue;
    const auto snapshot = find_snapshot(root / folder, {});
    if (!snapshot || weights_of(snapshot->folder) == Weights::kNone) continue;
    found.try_emplace(*name, ModelEntry{*name, snapshot->folder, snapshot->commit, origin});
  }
}

void list_torch_cache(const StorePaths& paths, std::map<std::string, ModelEntry>& found) {
  if (paths.torch_cache.empty()) return;
  for (const std::string& folder : names_in(paths.torch_cache)) {
    const std::string name = name_in_torch_cache(folder);
    const fs::path path = paths.torch_cache / folder;
    if (!check_model_name(name) || weights_of(path) == Weights::kNone) continue;
    found.try_emplace(name, ModelEntry{name, path, {}, Origin::kTorchCache});
  }
}

Error not_found(std::string_view name, std::string_view revision) {
  const std::string full(name.find('/') == std::string_view::npos
                             ? "sentence-transformers/" + std::string(name)
                             : std::string(name));
  std::string what = "model '" + std::string(name) + "' is not on this machine";
  std::string pull = "vecmill pull " + full;
  if (!revision.empty()) {
    what += " at revision '" + std::string(revision) + "'";
    pull += " --revision " + std::string(revision);
  }
  return make_error(ErrorKind::kNotFound, std::move(what), {},
                    "get it with '" + pull + "', or 'vecmill import PATH --name " + full +
                        "' from a folder, wheel or zip");
}

Error ambiguous(std::string_view name, const std::vector<ModelEntry>& all) {
  std::string list;
  for (const ModelEntry& entry : all) {
    list += (list.empty() ? "" : ", ") + entry.name + " (" + entry.folder.string() + ")";
  }
  return make_error(ErrorKind::kInvalidArgument,
                    "'" + std::string(name) + "' could be any of: " + list, {},
                    "give the whole name, or the folder");
}

/// What only has pickled weights is there, but not to be used as it is.
Result<ModelEntry> usable(ModelEntry entry) {
  if (weights_of(entry.folder) == Weights::kSafetensors) return entry;
  return make_error(ErrorKind::kUnsupported,
                    "its weights are in a pickle (pytorch_model.bin), which is only read on import",
                    entry.folder.string(),
                    "run: vecmill import " + entry.folder.string() + " --name " + entry.name);
}

bool is_path(std::string_view name) {
  return name.starts_with('/') || name.starts_with("./") || name.starts_with("../") ||
         name == "." || name == "..";
}

Result<std::optional<ModelEntry>> resolve_folder(std::string_view name) {
  const fs::path path(name);
  std::error_code ignored;
  if (!is_path(name) && !fs::is_directory(path, ignored)) return std::optional<ModelEntry>();
  if (weights_of(path) != Weights::kNone) {
    const fs::path last = fs::absolute(path, ignored).lexically_normal();
    const fs::path label = last.has_filename() ? last.filename() : last.parent_path().filename();
    VECMILL_ASSIGN(ModelEntry entry, usable(ModelEntry{label.string(), path, {}, Origin::kFolder}));
    return std::optional(std::move(entry));
  }
  if (!is_path(name)) return std::optional<ModelEntry>();  // some folder of that name: look on
  if (!fs::exists(path, ignored)) {
    return make_error(ErrorKind::kNotFound, "there is no such folder", std::string(name));
  }
  return make_error(ErrorKind::kNotFound,
                    "is no model: a config.json or modules.json with model.safetensors is expected",
                    std::string(name), "a wheel or zip is imported first: vecmill import PATH");
}

/// "org/name@revision" → its two parts.
std::pair<std::string_view, std::string_view> split_revision(std::string_view name) {
  const std::size_t at = name.find('@');
  if (at == std::string_view::npos) return {name, {}};
  return {name.substr(0, at), name.substr(at + 1)};
}

}  // namespace

std::string_view name(Origin origin) {
  switch (origin) {
    case Origin::kStore: return "store";
    case Origin::kHubCache: return "hugging face cache";
    case Origin::kTorchCache: return "torch cache";
    case Origin::kFolder: return "folder";
  }
  return {};
}

Result<StorePaths> StorePaths::from_environment() {
  StorePaths paths;
  if (auto home = path_from("VECMILL_HOME")) {
    paths.home = *home;
  } else if (auto data = xdg_folder("XDG_DATA_HOME", ".local/share")) {
    paths.home = *data / "vecmill";
  } else {
    return make_error(ErrorKind::kInvalidArgument, "there is no place for models", {},
                      "set VECMILL_HOME to a folder");
  }
  const auto cache = xdg_folder("XDG_CACHE_HOME", ".cache");
  if (auto hub = path_from("HF_HUB_CACHE")) {
    paths.hub_cache = *hub;
  } else if (auto old = path_from("HUGGINGFACE_HUB_CACHE")) {
    paths.hub_cache = *old;
  } else if (auto home = path_from("HF_HOME")) {
    paths.hub_cache = *home / "hub";
  } else if (cache) {
    paths.hub_cache = *cache / "huggingface" / "hub";
  }
  if (auto folder = path_from("SENTENCE_TRANSFORMERS_HOME")) {
    paths.torch_cache = *folder;
  } else if (auto torch = path_from("TORCH_HOME")) {
    paths.torch_cache = *torch / "sentence_transformers";
  } else if (cache) {
    paths.torch_cache = *cache / "torch" / "sentence_transformers";
  }
  return paths;
}

Store::Store(StorePaths paths, FileSystem& files) : paths_(std::move(paths)), files_(&files) {}

Result<std::vector<ModelEntry>> Store::list() const {
  std::map<std::string, ModelEntry> found;
  for (const Origin origin : kRepositories) list_repositories(paths_, origin, found);
  list_torch_cache(paths_, found);
  std::vector<ModelEntry> entries;
  entries.reserve(found.size());
  for (auto& [name, entry] : found) entries.push_back(std::move(entry));
  return entries;
}

Result<ModelEntry> Store::resolve(std::string_view full_name) const {
  VECMILL_ASSIGN(auto folder, resolve_folder(full_name));
  if (folder) return std::move(*folder);
  const auto [name, revision] = split_revision(full_name);
  VECMILL_TRY(check_model_name(name));
  if (!revision.empty()) VECMILL_TRY(check_revision(revision));

  VECMILL_ASSIGN(const std::vector<ModelEntry> all, list());
  std::vector<ModelEntry> matches;
  for (const ModelEntry& entry : all) {
    const bool bare = name.find('/') == std::string_view::npos;
    if (entry.name == name || (bare && bare_name(entry.name) == name)) matches.push_back(entry);
  }
  if (matches.size() > 1) return ambiguous(name, matches);
  if (revision.empty()) {
    if (matches.empty()) return not_found(name, revision);
    return usable(matches.front());
  }
  const std::string known(matches.empty() ? name : std::string_view(matches.front().name));
  for (const Origin origin : kRepositories) {
    const fs::path root = repositories(paths_, origin);
    if (root.empty()) continue;
    const auto snapshot = find_snapshot(root / repo_folder(known), revision);
    if (!snapshot || weights_of(snapshot->folder) == Weights::kNone) continue;
    return usable(ModelEntry{known, snapshot->folder, snapshot->commit, origin});
  }
  return not_found(known, revision);
}

std::optional<fs::path> Store::tokenizer_of(const std::string& name) const {
  if (!check_model_name(name)) return std::nullopt;
  for (const Origin origin : kRepositories) {
    const fs::path root = repositories(paths_, origin);
    if (root.empty()) continue;
    const auto snapshot = find_snapshot(root / repo_folder(name), {});
    std::error_code ignored;
    if (snapshot && fs::exists(snapshot->folder / "tokenizer.json", ignored)) {
      return snapshot->folder;
    }
  }
  return std::nullopt;
}

Status Store::remove(std::string_view name) const {
  VECMILL_ASSIGN(const std::vector<ModelEntry> all, list());
  std::vector<ModelEntry> matches;
  for (const ModelEntry& entry : all) {
    if (entry.name == name || bare_name(entry.name) == name) matches.push_back(entry);
  }
  if (matches.empty()) {
    return make_error(ErrorKind::kNotFound, "no stored model is called '" + std::string(name) + "'",
                      {}, "'vecmill models ls' lists them");
  }
  if (matches.size() > 1) return ambiguous(name, matches);
  const ModelEntry& entry = matches.front();
  if (entry.origin != Origin::kStore) {
    return make_error(ErrorKind::kInvalidArgument,
                      "'" + entry.name + "' was downloaded by another tool and may be in its use",
                      entry.folder.string(), "remove it with that tool, or delete the folder");
  }
  VECMILL_ASSIGN(Staging staging, Staging::begin(*this, entry.name));
  return staging.remove_model();
}

Result<VerifyReport> Store::verify(const ModelEntry& entry) const { return verify_model(entry); }

}  // namespace vecmill::hub
