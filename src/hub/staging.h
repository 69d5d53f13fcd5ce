#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/hub/lock_file.h"
#include "vecmill/hub/store.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// A file on its way into the store.
struct StagedFile {
  LockedFile locked;
  std::string blob;                 ///< the name it gets below blobs/
  std::filesystem::path temporary;  ///< where it lies until then (there already, if reused)
};

using ByteSink = std::function<Status(std::string_view)>;

/// The only way anything is written to the store: files gather outside of the models, and one
/// rename of a reference makes them a model. Holds the model's lock; another process that wants to
/// write the same model gets an error. What a killed process left is cleared or taken up by the
/// next.
class Staging {
 public:
  ///   errors  kIo (not writable; another vecmill is at this model)
  static Result<Staging> begin(const Store& store, const std::string& model);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] FileSystem& files() const { return *files_; }

  /// Throws away everything that is staged.
  Status clear();

  /// Writes what `produce` gives to the sink into a new staged file, durably.
  ///   errors  what `produce` returns, kIo
  Result<StagedFile> write(const std::string& path,
                           const std::function<Status(const ByteSink&)>& produce);

  /// A file that another revision of the model has already, if its hash is still right.
  [[nodiscard]] std::optional<StagedFile> reuse(const std::string& path,
                                                const std::string& blob) const;

  struct Publication {
    std::string revision;         ///< names the snapshot: 40 hex digits
    std::string reference;        ///< the file below refs/ that names the revision afterwards
    std::string source;           ///< for the lock file
    std::vector<StagedFile> all;  ///< sorted by path
  };
  /// Makes a model of the staged files. Before the last step it is as it was, after it new.
  Result<ModelEntry> publish(const Publication& publication);

  /// What a branch, a tag or the plain name ("main") means from now on.
  Status set_reference(const std::string& reference, const std::string& revision) const;

  Status remove_model();

 private:
  Staging() = default;
  Status move_blobs(const std::vector<StagedFile>& all) const;
  Status publish_snapshot(const Publication& publication, const std::string& lock) const;
  [[nodiscard]] bool has_snapshot(const Publication& publication, const std::string& lock) const;
  Status build_snapshot(const std::filesystem::path& folder, const Publication& publication,
                        const std::string& lock) const;

  FileSystem* files_ = nullptr;
  std::string model_;
  std::filesystem::path folder_;      ///< home/staging/models--...
  std::filesystem::path repository_;  ///< home/models/models--...
  std::unique_ptr<FileLock> lock_;
  int written_ = 0;
};

/// Creates a folder and those above it; `home` itself for its owner only.
///   errors  kIo
Status make_folders(const std::filesystem::path& folder);

}  // namespace vecmill::hub
