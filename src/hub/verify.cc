#include "vecmill/hub/verify.h"

#include <system_error>

#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/lock_file.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

VerifyReport verify_by_lock(const LockFile& lock, const fs::path& folder) {
  VerifyReport report;
  for (const LockedFile& file : lock.files) {
    ++report.files;
    const auto found = hash_file(folder / file.path, false);
    if (!found) {
      report.problems.push_back({file.path, found.error().message});
      continue;
    }
    report.bytes += found->bytes;
    if (found->bytes != file.bytes) {
      report.problems.push_back({file.path, "has " + std::to_string(found->bytes) + " bytes, had " +
                                                std::to_string(file.bytes)});
    } else if (found->sha256 != file.sha256) {
      report.problems.push_back({file.path, "its content has changed (SHA-256 differs)"});
    }
  }
  return report;
}

Result<VerifyReport> verify_by_blob_names(const fs::path& folder) {
  VerifyReport report;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (!at->is_symlink(ignored)) continue;
    const std::string id = fs::read_symlink(at->path(), ignored).filename().string();
    if (!is_blob_id(id)) continue;
    ++report.files;
    const std::string file = at->path().lexically_relative(folder).generic_string();
    const auto found = hash_file(at->path(), id.size() == 40);
    if (!found) {
      report.problems.push_back({file, found.error().message});
      continue;
    }
    report.bytes += found->bytes;
    if (id != (id.size() == 40 ? found->git : found->sha256)) {
      report.problems.push_back({file, "its content has changed (hash differs)"});
    }
  }
  if (error) {
    return make_error(ErrorKind::kIo, "cannot read the folder: " + error.message(),
                      folder.string());
  }
  if (report.files == 0) {
    return make_error(ErrorKind::kUnsupported,
                      "nothing was recorded when these files came, so nothing can be compared",
                      folder.string(), "'vecmill import' it; imported models can be verified");
  }
  return report;
}

}  // namespace

Result<VerifyReport> verify_model(const ModelEntry& entry) {
  const auto lock = read_lock(entry.folder);
  if (lock) return verify_by_lock(*lock, entry.folder);
  if (entry.origin == Origin::kStore || lock.error().kind != ErrorKind::kNotFound) {
    return lock.error();
  }
  return verify_by_blob_names(entry.folder);
}

}  // namespace vecmill::hub
