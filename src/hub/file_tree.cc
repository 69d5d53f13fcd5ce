#include "vecmill/hub/file_tree.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/hub/zip.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 100'000;

class FolderTree : public FileTree {
 public:
  static Result<std::unique_ptr<FileTree>> open(const fs::path& folder) {
    auto tree = std::make_unique<FolderTree>();
    tree->folder_ = folder;
    std::error_code error;
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
      std::error_code ignored;
      const std::string path = at->path().lexically_relative(folder).generic_string();
      if (at->path().filename().string().starts_with('.')) {  // .git, .cache: never a model's
        at.disable_recursion_pending();
        continue;
      }
      if (!at->is_regular_file(ignored) || !is_safe_relative_path(path)) continue;
      tree->paths_.push_back(path);
      if (tree->paths_.size() > kMostFiles) {
        return make_error(ErrorKind::kInvalidData, "holds more than 100,000 files", folder.string(),
                          "name the model's own folder");
      }
    }
    if (error) {
      return make_error(ErrorKind::kIo, "cannot read the folder: " + error.message(),
                        folder.string());
    }
    std::sort(tree->paths_.begin(), tree->paths_.end());
    return std::unique_ptr<FileTree>(std::move(tree));
  }

  [[nodiscard]] const std::vector<std::string>& paths() const override { return paths_; }

  Status stream(const std::string& path, const ByteSink& sink) const override {
    VECMILL_ASSIGN(const MappedFile file, MappedFile::open(folder_ / path));
    return file.in_pieces([&](std::span<const std::byte> piece) {
      return sink({reinterpret_cast<const char*>(piece.data()), piece.size()});
    });
  }

 private:
  fs::path folder_;
  std::vector<std::string> paths_;
};

class ArchiveTree : public FileTree {
 public:
  static Result<std::unique_ptr<FileTree>> open(const fs::path& path) {
    VECMILL_ASSIGN(MappedFile file, MappedFile::open(path));
    VECMILL_ASSIGN(ZipReader zip, ZipReader::open(file.bytes(), path.string()));
    return std::unique_ptr<FileTree>(new ArchiveTree(std::move(file), std::move(zip)));
  }

  [[nodiscard]] const std::vector<std::string>& paths() const override { return paths_; }

  Status stream(const std::string& path, const ByteSink& sink) const override {
    return zip_.extract(*zip_.find(path), sink);
  }

 private:
  ArchiveTree(MappedFile file, ZipReader zip) : file_(std::move(file)), zip_(std::move(zip)) {
    for (const ZipEntry& entry : zip_.entries()) paths_.push_back(entry.name);
    std::sort(paths_.begin(), paths_.end());
  }

  MappedFile file_;
  ZipReader zip_;
  std::vector<std::string> paths_;
};

}  // namespace

Result<std::unique_ptr<FileTree>> open_tree(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return make_error(ErrorKind::kNotFound, "there is no such file or folder", path.string());
  }
  if (fs::is_directory(status)) return FolderTree::open(path);
  return ArchiveTree::open(path);
}

Result<std::string> read_from(const FileTree& tree, const std::string& path, std::size_t limit) {
  std::string text;
  VECMILL_TRY(tree.stream(path, [&](std::string_view piece) -> Status {
    if (piece.size() > limit - text.size()) {
      return make_error(
          ErrorKind::kInvalidData,
          "is larger than the " + std::to_string(limit) + " bytes such a file may have", path);
    }
    text += piece;
    return {};
  }));
  return text;
}

}  // namespace vecmill::hub
