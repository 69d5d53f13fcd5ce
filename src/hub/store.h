#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/file_system.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// Where models are looked for. Only `home` is ever written to.
struct StorePaths {
  std::filesystem::path home;         ///< VECMILL_HOME, else $XDG_DATA_HOME/vecmill
  std::filesystem::path hub_cache;    ///< the Hugging Face cache; empty: none
  std::filesystem::path torch_cache;  ///< sentence-transformers before 2.3; empty: none

  ///   errors  kInvalidArgument when neither VECMILL_HOME nor HOME says where to put things
  static Result<StorePaths> from_environment();
};

enum class Origin : std::uint8_t {
  kStore,       ///< imported or pulled by Vecmill, below home
  kHubCache,    ///< downloaded by another tool
  kTorchCache,  ///< downloaded by an old sentence-transformers
  kFolder,      ///< named by its path
};

[[nodiscard]] std::string_view name(Origin origin);

struct ModelEntry {
  std::string name;              ///< "org/name" or a bare name; of a folder its last part
  std::filesystem::path folder;  ///< holds config.json or modules.json and the weights
  std::string revision;          ///< the commit, or 40 hex digits of the content; may be empty
  Origin origin = Origin::kFolder;
};

struct VerifyProblem {
  std::string file;  ///< relative to the model's folder
  std::string what;
};

struct VerifyReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<VerifyProblem> problems;  ///< empty: every file is what was downloaded or imported
};

/// The models on this machine. Holds nothing in memory: every call looks at the disk, so that
/// several processes may use one store.
class Store {
 public:
  explicit Store(StorePaths paths, FileSystem& files = real_files());

  [[nodiscard]] const StorePaths& paths() const { return paths_; }
  [[nodiscard]] FileSystem& files() const { return *files_; }

  /// `name` is a folder, "org/name", "org/name@revision", or a bare name: the only stored model
  /// with that last part.
  ///   errors  kNotFound with the command that gets it; kInvalidArgument listing all that a bare
  ///           name could mean; kUnsupported when its only weights are pickled
  [[nodiscard]] Result<ModelEntry> resolve(std::string_view name) const;

  /// Every model with weights, by name; a name in several places once, from the first of them.
  [[nodiscard]] Result<std::vector<ModelEntry>> list() const;

  /// The folder with the tokenizer.json of a repository, whether weights are beside it or not.
  [[nodiscard]] std::optional<std::filesystem::path> tokenizer_of(const std::string& name) const;

  /// Removes a model with all its revisions.
  ///   errors  kNotFound; kInvalidArgument when it is not Vecmill's to remove
  [[nodiscard]] Status remove(std::string_view name) const;

  /// Reads every file again and compares it with what was recorded when it came.
  ///   errors  kUnsupported when nothing was recorded (a plain folder)
  [[nodiscard]] Result<VerifyReport> verify(const ModelEntry& entry) const;

 private:
  StorePaths paths_;
  FileSystem* files_;
};

}  // namespace vecmill::hub
