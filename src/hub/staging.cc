#include "vecmill/hub/staging.h"

#include <set>
#include <system_error>
#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/store_layout.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

Error io_error(const char* what, const fs::path& path, const std::error_code& error) {
  return make_error(ErrorKind::kIo, std::string(what) + ": " + error.message(), path.string(),
                    "check the folder that VECMILL_HOME names and the space on its disk");
}

Status remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return io_error("cannot remove", path, error);
  return {};
}

Status make_home(FileSystem& files, const fs::path& home) {
  std::error_code error;
  if (fs::is_directory(home, error)) return {};
  VECMILL_TRY(make_folders(home));
  fs::permissions(home, fs::perms::owner_all, error);
  if (error) return io_error("cannot make private", home, error);
  return files.sync_dir(folder_of(home));
}

/// From a file of a snapshot to its blob: up to the repository, then down.
fs::path link_target(const std::string& path, const std::string& blob) {
  fs::path target = "../..";
  for (const char c : path) {
    if (c == '/') target /= "..";
  }
  return target / "blobs" / blob;
}

Status sync_tree(FileSystem& files, const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (!at->is_symlink(ignored) && at->is_directory(ignored)) {
      VECMILL_TRY(files.sync_dir(at->path()));
    }
  }
  if (error) return io_error("cannot read", folder, error);
  return files.sync_dir(folder);
}

/// A Git LFS pointer stands in a checkout where the weights should be.
Status check_no_lfs_pointer(const fs::path& temporary, const std::string& path) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(temporary));
  if (!file.text().starts_with("version https://git-lfs")) return {};
  return make_error(ErrorKind::kInvalidData, "is a Git LFS pointer, not the file itself", path,
                    "run 'git lfs pull' in the folder it comes from");
}

}  // namespace

Status make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return io_error("cannot create the folder", folder, error);
  return {};
}

Result<Staging> Staging::begin(const Store& store, const std::string& model) {
  const fs::path& home = store.paths().home;
  VECMILL_TRY(make_home(store.files(), home));
  Staging staging;
  staging.files_ = &store.files();
  staging.model_ = model;
  const std::string folder = repo_folder(model);
  staging.folder_ = home / "staging" / folder;
  staging.repository_ = models_folder(store.paths()) / folder;
  VECMILL_TRY(make_folders(home / "locks"));
  const fs::path lock_path = home / "locks" / (folder + ".lock");
  VECMILL_ASSIGN(staging.lock_, store.files().lock(lock_path));
  VECMILL_TRY(make_folders(staging.folder_));
  return staging;
}

Status Staging::clear() {
  VECMILL_TRY(remove_tree(folder_));
  return make_folders(folder_);
}

Result<StagedFile> Staging::write(const std::string& path,
                                  const std::function<Status(const ByteSink&)>& produce) {
  StagedFile staged;
  staged.temporary = folder_ / ("file-" + std::to_string(++written_));
  VECMILL_ASSIGN(auto file, files_->create(staged.temporary));
  BlobHash hash;
  VECMILL_TRY(produce([&](std::string_view bytes) -> Status {
    hash.update(bytes);
    return file->append(bytes);
  }));
  VECMILL_TRY(file->sync());
  VECMILL_TRY(check_no_lfs_pointer(staged.temporary, path));
  auto digests = hash.finish();
  staged.locked = {path, digests.bytes, digests.sha256, {}};
  staged.blob = std::move(digests.sha256);
  return staged;
}

std::optional<StagedFile> Staging::reuse(const std::string& path, const std::string& blob) const {
  const fs::path there = repository_ / "blobs" / blob;
  const bool git = blob.size() == 40;
  auto digests = hash_file(there, git);
  if (!digests || (git ? digests->git : digests->sha256) != blob) return std::nullopt;
  return StagedFile{{path, digests->bytes, std::move(digests->sha256), {}}, blob, there};
}

Result<ModelEntry> Staging::publish(const Publication& publication) {
  LockFile lock{model_, publication.revision, publication.source, {}};
  for (const StagedFile& file : publication.all) lock.files.push_back(file.locked);
  const std::string lock_text = write_lock(lock);
  for (const char* part : {"blobs", "snapshots", "refs"}) {
    VECMILL_TRY(make_folders(repository_ / part));
  }
  VECMILL_TRY(move_blobs(publication.all));
  VECMILL_TRY(publish_snapshot(publication, lock_text));
  const fs::path models = repository_.parent_path();
  for (const fs::path& folder : {repository_, models, models.parent_path()}) {
    VECMILL_TRY(files_->sync_dir(folder));
  }
  VECMILL_TRY(set_reference(publication.reference, publication.revision));
  VECMILL_TRY(remove_tree(folder_));
  return ModelEntry{model_, repository_ / "snapshots" / publication.revision, publication.revision,
                    Origin::kStore};
}

Status Staging::move_blobs(const std::vector<StagedFile>& all) const {
  std::set<std::string> moved;  // two files may have the same content
  for (const StagedFile& file : all) {
    if (!moved.insert(file.blob).second) continue;
    VECMILL_TRY(files_->rename(file.temporary, repository_ / "blobs" / file.blob));
  }
  return files_->sync_dir(repository_ / "blobs");
}

Status Staging::publish_snapshot(const Publication& publication, const std::string& lock) const {
  if (has_snapshot(publication, lock)) return {};  // the same again: leave it untouched
  const fs::path built = folder_ / "snapshot";
  VECMILL_TRY(build_snapshot(built, publication, lock));
  const fs::path target = repository_ / "snapshots" / publication.revision;
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(target, ignored))) {  // damaged: it is not what it should be
    VECMILL_TRY(remove_tree(folder_ / "damaged"));
    VECMILL_TRY(files_->rename(target, folder_ / "damaged"));
  }
  VECMILL_TRY(files_->rename(built, target));
  return files_->sync_dir(repository_ / "snapshots");
}

bool Staging::has_snapshot(const Publication& publication, const std::string& lock) const {
  const fs::path folder = repository_ / "snapshots" / publication.revision;
  const auto there = read_file(folder / kLockFileName);
  if (!there || *there != lock) return false;
  for (const StagedFile& file : publication.all) {
    std::error_code error;
    const fs::path target = fs::read_symlink(folder / file.locked.path, error);
    if (error || target != link_target(file.locked.path, file.blob)) return false;
  }
  return true;
}

Status Staging::build_snapshot(const fs::path& folder, const Publication& publication,
                               const std::string& lock) const {
  VECMILL_TRY(remove_tree(folder));
  VECMILL_TRY(make_folders(folder));
  for (const StagedFile& file : publication.all) {
    const fs::path link = folder / file.locked.path;
    VECMILL_TRY(make_folders(link.parent_path()));
    std::error_code error;
    fs::create_symlink(link_target(file.locked.path, file.blob), link, error);
    if (error) return io_error("cannot create the link", link, error);
  }
  VECMILL_ASSIGN(auto file, files_->create(folder / kLockFileName));
  VECMILL_TRY(file->append(lock));
  VECMILL_TRY(file->sync());
  return sync_tree(*files_, folder);
}

Status Staging::set_reference(const std::string& reference, const std::string& revision) const {
  const fs::path target = repository_ / "refs" / reference;
  VECMILL_TRY(make_folders(target.parent_path()));
  const fs::path built = folder_ / "reference";
  VECMILL_ASSIGN(auto file, files_->create(built));
  VECMILL_TRY(file->append(revision));
  VECMILL_TRY(file->sync());
  VECMILL_TRY(files_->rename(built, target));
  for (fs::path folder = target.parent_path(); folder != repository_;
       folder = folder.parent_path()) {  // "refs/pr/1" has folders of its own
    VECMILL_TRY(files_->sync_dir(folder));
  }
  return {};
}

Status Staging::remove_model() {
  VECMILL_TRY(clear());
  VECMILL_TRY(files_->rename(repository_, folder_ / "removed"));
  VECMILL_TRY(files_->sync_dir(repository_.parent_path()));
  return remove_tree(folder_);
}

}  // namespace vecmill::hub
