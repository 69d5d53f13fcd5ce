#include "vecmill/hub/import.h"

#include <algorithm>
#include <utility>

#include "vecmill/base/hash.h"
#include "vecmill/hub/convert.h"
#include "vecmill/hub/file_selection.h"
#include "vecmill/hub/file_tree.h"
#include "vecmill/hub/staging.h"
#include "vecmill/hub/store_layout.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestModules = 1u << 20;

/// "dir/my model/" → "my-model", "gt_minilm-0.1.0-py3-none-any.whl" → "gt_minilm".
std::string default_name(const fs::path& path) {
  fs::path whole = fs::absolute(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  std::string name = whole.filename().string();
  if (name.ends_with(".whl")) {
    name = name.substr(0, name.find('-'));  // the rest is versions and platforms
  } else if (name.ends_with(".zip")) {
    name.resize(name.size() - 4);
  }
  return name;
}

Status check_has_weights(const std::vector<std::string>& chosen, const std::string& where) {
  if (std::any_of(chosen.begin(), chosen.end(), is_weights)) return {};
  return make_error(ErrorKind::kNotFound,
                    "holds a model's configuration, but no model.safetensors or pytorch_model.bin",
                    where, "get the weights too (a Git clone needs 'git lfs pull')");
}

struct Chosen {
  std::string root;                ///< of the model in the tree
  std::vector<std::string> paths;  ///< relative to it
};

Result<Chosen> choose(const FileTree& tree, const std::string& where) {
  Chosen chosen;
  VECMILL_ASSIGN(chosen.root, find_model_root(tree.paths(), where));
  std::vector<std::string> inside;
  for (const std::string& path : tree.paths()) {
    if (path.starts_with(chosen.root)) inside.push_back(path.substr(chosen.root.size()));
  }
  std::vector<std::string> modules;
  const std::string list = chosen.root + "modules.json";
  if (std::binary_search(tree.paths().begin(), tree.paths().end(), list)) {
    VECMILL_ASSIGN(const std::string json, read_from(tree, list, kLargestModules));
    VECMILL_ASSIGN(modules, parse_module_folders(json, where + "(" + list + ")"));
  }
  chosen.paths = select_files(inside, modules);
  VECMILL_TRY(check_has_weights(chosen.paths, where));
  return chosen;
}

/// The same content has the same revision, wherever it came from and whenever.
std::string revision_of(const std::vector<StagedFile>& all) {
  Sha256 hash;
  for (const StagedFile& file : all) {
    hash.update(file.locked.sha256 + " " + file.locked.path + "\n");
  }
  return hash.hex().substr(0, 40);
}

/// Shows the staged files to `options.check` as the folder they will be. An error names `source` in
/// place of that folder, which is gone when anybody reads it.
Status check_staged(const Staging& staging, const std::vector<StagedFile>& all,
                    const ImportOptions& options, const fs::path& source) {
  if (!options.check) return {};
  const fs::path folder = fs::absolute(staging.folder()) / "check";
  std::error_code error;
  for (const StagedFile& file : all) {
    const fs::path link = folder / file.locked.path;
    fs::create_directories(link.parent_path(), error);
    if (!error) fs::create_symlink(fs::absolute(file.temporary), link, error);
    if (error)
      return make_error(ErrorKind::kIo, "cannot create: " + error.message(), link.string());
  }
  Status status = options.check(folder);
  fs::remove_all(folder, error);
  if (status) return {};
  Error bad = std::move(status).error();
  if (bad.where.starts_with(folder.string())) {
    bad.where.replace(0, folder.string().size(), source.string());
  }
  return bad;
}

Result<ModelEntry> import_staged(Staging& staging, const FileTree& tree, const Chosen& chosen,
                                 const fs::path& path, const ImportOptions& options) {
  VECMILL_TRY(staging.clear());
  std::vector<StagedFile> all;
  for (const std::string& name : chosen.paths) {
    VECMILL_ASSIGN(StagedFile staged, staging.write(name, [&](const ByteSink& sink) {
      return tree.stream(chosen.root + name, sink);
    }));
    all.push_back(std::move(staged));
  }
  VECMILL_TRY(convert_pickled(staging, all));
  std::sort(all.begin(), all.end(),
            [](const StagedFile& a, const StagedFile& b) { return a.locked.path < b.locked.path; });
  VECMILL_TRY(check_staged(staging, all, options, path));
  return staging.publish({revision_of(all), "main", path.filename().string(), all});
}

struct From {
  const FileTree& tree;
  const Chosen& chosen;
  const fs::path& path;
};

Result<ModelEntry> import_chosen(const Store& store, const std::string& name, const From& from,
                                 const ImportOptions& options) {
  VECMILL_ASSIGN(Staging staging, Staging::begin(store, name));
  auto entry = import_staged(staging, from.tree, from.chosen, from.path, options);
  if (!entry) (void)staging.clear();  // the first error is the one to tell
  return entry;
}

}  // namespace

Result<ModelEntry> import_model(const Store& store, const fs::path& path,
                                const ImportOptions& options) {
  const std::string name = options.name.empty() ? default_name(path) : options.name;
  auto good_name = check_model_name(name);
  if (!good_name) {
    Error error = std::move(good_name).error();
    if (options.name.empty()) error.hint = "give it one with --name org/name";
    return error;
  }
  VECMILL_ASSIGN(const auto tree, open_tree(path));
  VECMILL_ASSIGN(const Chosen chosen, choose(*tree, path.string()));
  return import_chosen(store, name, {*tree, chosen, path}, options);
}

Result<ModelEntry> import_tokenizer(const Store& store, const fs::path& folder,
                                    const ImportOptions& options) {
  VECMILL_TRY(check_model_name(options.name));
  VECMILL_ASSIGN(const auto tree, open_tree(folder));
  return import_chosen(store, options.name, {*tree, {"", {"tokenizer.json"}}, folder}, options);
}

}  // namespace vecmill::hub
