#include "vecmill/hub/file_selection.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "vecmill/hub/zip.h"

namespace vecmill::hub {
namespace {

constexpr std::array<std::string_view, 13> kSmallFiles = {
    "added_tokens.json",
    "config.json",
    "config_sentence_transformers.json",
    "merges.txt",
    "modules.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
};
/// The heads of bge-m3.
constexpr std::array<std::string_view, 2> kHeads = {"colbert_linear", "sparse_linear"};

constexpr std::string_view kPickledIndex = "pytorch_model.bin.index.json";
constexpr std::string_view kIndex = "model.safetensors.index.json";

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool has_shape(std::string_view name, std::string_view start, std::string_view end) {
  return name.size() >= start.size() + end.size() && name.starts_with(start) && name.ends_with(end);
}

bool is_small_file(std::string_view name) {
  return std::find(kSmallFiles.begin(), kSmallFiles.end(), name) != kSmallFiles.end() ||
         has_shape(name, "sentence_", "_config.json");
}

/// Chooses from one folder ("" or with '/' at its end).
class FolderSelection {
 public:
  FolderSelection(const std::set<std::string>& all, std::string folder)
      : all_(all), folder_(std::move(folder)) {
    for (const std::string& path : all_) {
      if (path.starts_with(folder_) && path.find('/', folder_.size()) == std::string::npos) {
        names_.push_back(path.substr(folder_.size()));
      }
    }
  }

  void add_to(std::set<std::string>& chosen) const {
    for (const std::string& name : names_) {
      if (is_small_file(name)) chosen.insert(folder_ + name);
    }
    add_weights(chosen);
    for (const std::string_view head : kHeads) {
      const std::string stem = folder_ + std::string(head);
      if (all_.contains(stem + ".safetensors")) {
        chosen.insert(stem + ".safetensors");
      } else if (all_.contains(stem + ".pt")) {
        chosen.insert(stem + ".pt");
      }
    }
  }

 private:
  [[nodiscard]] bool has(std::string_view name) const {
    return all_.contains(folder_ + std::string(name));
  }

  void add_weights(std::set<std::string>& chosen) const {
    if (has("model.safetensors")) {
      chosen.insert(folder_ + "model.safetensors");
    } else if (has(kIndex)) {
      add_shards(chosen, kIndex, "model-", ".safetensors");
    } else if (has("pytorch_model.bin")) {
      chosen.insert(folder_ + "pytorch_model.bin");
    } else if (has(kPickledIndex)) {
      add_shards(chosen, kPickledIndex, "pytorch_model-", ".bin");
    }
  }

  void add_shards(std::set<std::string>& chosen, std::string_view index, std::string_view start,
                  std::string_view end) const {
    chosen.insert(folder_ + std::string(index));
    for (const std::string& name : names_) {
      if (has_shape(name, start, end)) chosen.insert(folder_ + name);
    }
  }

  const std::set<std::string>& all_;
  std::string folder_;
  std::vector<std::string> names_;
};

}  // namespace

Result<std::vector<std::string>> parse_module_folders(std::string_view json,
                                                      const std::string& where) {
  const auto bad = [&](const char* what) {
    return make_error(ErrorKind::kInvalidData, what, where,
                      "a list of modules with 'path' and 'type' is expected");
  };
  try {
    std::vector<std::string> folders;
    const auto modules = nlohmann::json::parse(json);
    if (!modules.is_array()) return bad("is not a list");
    for (const auto& module : modules) {
      auto path = module.at("path").get<std::string>();
      if (path.empty() || path == ".") continue;  // the model's own folder, as model2vec says it
      if (!is_safe_relative_path(path)) return bad("names a folder outside of the model");
      folders.push_back(std::move(path));
    }
    return folders;
  } catch (const nlohmann::json::exception&) {
    return bad("is not valid JSON or lacks a 'path'");
  }
}

std::vector<std::string> select_files(const std::vector<std::string>& all,
                                      const std::vector<std::string>& modules) {
  const std::set<std::string> files(all.begin(), all.end());
  std::set<std::string> chosen;
  FolderSelection(files, "").add_to(chosen);
  for (const std::string& folder : modules) FolderSelection(files, folder + "/").add_to(chosen);
  return {chosen.begin(), chosen.end()};
}

bool is_pickled(std::string_view path) {
  const std::string_view name = last_part(path);
  return has_shape(name, "pytorch_model", ".bin") || name.ends_with(".pt");
}

bool is_weights(std::string_view path) {
  return is_pickled(path) || has_shape(last_part(path), "model", ".safetensors");
}

std::string safetensors_name(std::string_view pickled_path) {
  const std::size_t start = pickled_path.size() - last_part(pickled_path).size();
  std::string name(pickled_path.substr(start, pickled_path.rfind('.') - start));
  constexpr std::string_view kPickledStem = "pytorch_model";
  if (name.starts_with(kPickledStem)) name.replace(0, kPickledStem.size(), "model");
  return std::string(pickled_path.substr(0, start)) + name + ".safetensors";
}

Result<std::string> convert_index(std::string_view json, const std::string& where) {
  try {
    auto index = nlohmann::json::parse(json);
    for (auto& shard : index.at("weight_map")) {
      shard = safetensors_name(shard.get_ref<const std::string&>());
    }
    return index.dump(2) + "\n";
  } catch (const nlohmann::json::exception&) {
    return make_error(ErrorKind::kInvalidData, "is not an index of sharded weights", where);
  }
}

Result<std::string> find_model_root(const std::vector<std::string>& all, const std::string& where) {
  std::set<std::string> roots;
  const std::set<std::string> files(all.begin(), all.end());
  for (const std::string& path : all) {
    std::string folder(path.substr(0, path.size() - last_part(path).size()));
    const bool config_and_weights = is_weights(path) && files.contains(folder + "config.json");
    if (last_part(path) == "modules.json" || config_and_weights) roots.insert(std::move(folder));
  }
  std::vector<std::string> outermost;      // a module inside of a model is no model
  for (const std::string& root : roots) {  // in the set a folder comes before what is inside of it
    if (outermost.empty() || !root.starts_with(outermost.back())) outermost.push_back(root);
  }
  if (outermost.empty()) {
    return make_error(ErrorKind::kNotFound,
                      "holds no model: there is neither a modules.json nor a config.json with "
                      "model.safetensors or pytorch_model.bin beside it",
                      where, "name the folder, wheel or zip that has them");
  }
  if (outermost.size() > 1) {
    std::string list;
    for (const std::string& root : outermost) list += (list.empty() ? "" : ", ") + root;
    return make_error(ErrorKind::kInvalidData, "holds several models: " + list, where,
                      "unpack it and import one of them");
  }
  return outermost.front();
}

}  // namespace vecmill::hub
