#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill {

/// A file open for writing. Nothing is durable before `sync`. Closed by the destructor.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status append(std::string_view bytes) = 0;
  virtual Status write_at(std::uint64_t offset, std::string_view bytes) = 0;
  virtual Status sync() = 0;
};

/// Held while it lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// The operations on files that durability depends on, so that a test can lose power between any
/// two of them. A created, renamed or removed name is durable only after `sync_dir` of its folder.
///   errors  kNotFound, kIo naming the path and the reason
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Opens empty (created if missing), or cut to `size` bytes at the end of which appends go on;
  /// kInvalidData if the file is shorter.
  virtual Result<std::unique_ptr<WritableFile>> create(const std::filesystem::path& path) = 0;
  virtual Result<std::unique_ptr<WritableFile>> reopen(const std::filesystem::path& path,
                                                       std::uint64_t size) = 0;
  virtual Result<std::string> read(const std::filesystem::path& path) = 0;
  virtual Result<bool> exists(const std::filesystem::path& path) = 0;
  virtual Status rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Status remove(const std::filesystem::path& path) = 0;  ///< fine if it is not there
  virtual Status sync_dir(const std::filesystem::path& folder) = 0;

  /// An exclusive lock between processes, with a file at `path` that goes away with it.
  ///   errors  kIo when another holds it
  virtual Result<std::unique_ptr<FileLock>> lock(const std::filesystem::path& path) = 0;
};

FileSystem& real_files();

/// Replaces `path` whole or not at all, durably: temporary, sync, rename, sync of the folder.
Status atomic_write(FileSystem& files, const std::filesystem::path& path, std::string_view bytes);

/// The folder a path is in; "." for a bare name.
[[nodiscard]] std::filesystem::path folder_of(const std::filesystem::path& path);

}  // namespace vecmill
