#include "vecmill/base/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/mapped_file.h"

namespace vecmill {
namespace {

namespace fs = std::filesystem;

Error io_error(const char* what, const fs::path& path, int code = errno) {
  const ErrorKind kind = code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo;
  std::string hint;
  if (code == ENOSPC || code == EDQUOT) hint = "free some space or choose another folder";
  if (code == EACCES || code == EPERM || code == EROFS) {
    hint = "choose a folder that you may write to";
  }
  return make_error(kind, std::string(what) + ": " + std::generic_category().message(code),
                    path.string(), std::move(hint));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class RealFile : public WritableFile {
 public:
  RealFile(Descriptor fd, fs::path path, std::uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  Status append(std::string_view bytes) override {
    failpoint("file.append");
    VECMILL_TRY(write_all(size_, bytes));
    size_ += bytes.size();
    return {};
  }

  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    failpoint("file.write_at");
    return write_all(offset, bytes);
  }

  Status sync() override {
    failpoint("file.sync");
    if (::fdatasync(fd_.get()) != 0) return io_error("cannot sync", path_);
    return {};
  }

 private:
  Status write_all(std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return io_error("cannot write", path_, n == 0 ? ENOSPC : errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Descriptor fd_;
  fs::path path_;
  std::uint64_t size_;
};

class RealLock : public FileLock {
 public:
  RealLock(Descriptor fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  ~RealLock() override { ::unlink(path_.c_str()); }  // while it is still held

 private:
  Descriptor fd_;
  fs::path path_;
};

bool same_file(int fd, const fs::path& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

class RealFiles : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> create(const fs::path& path) override {
    failpoint("file.create");
    return open_file(path, O_CREAT | O_TRUNC, 0);
  }

  Result<std::unique_ptr<WritableFile>> reopen(const fs::path& path, std::uint64_t size) override {
    failpoint("file.reopen");
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return io_error("cannot open", path);
    if (static_cast<std::uint64_t>(info.st_size) < size) {
      return make_error(ErrorKind::kInvalidData,
                        "has " + std::to_string(info.st_size) + " bytes, " + std::to_string(size) +
                            " were written",
                        path.string());
    }
    VECMILL_ASSIGN(auto file, open_file(path, 0, size));
    if (::truncate(path.c_str(), static_cast<off_t>(size)) != 0) {
      return io_error("cannot truncate", path);
    }
    return file;
  }

  Result<std::string> read(const fs::path& path) override { return read_file(path); }

  Result<bool> exists(const fs::path& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return io_error("cannot look at", path);
  }

  Status rename(const fs::path& from, const fs::path& to) override {
    failpoint("file.rename");
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error("cannot rename", from);
    return {};
  }

  Status remove(const fs::path& path) override {
    failpoint("file.remove");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error("cannot remove", path);
    return {};
  }

  Status sync_dir(const fs::path& folder) override {
    failpoint("file.sync_dir");
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return io_error("cannot open", folder);
    if (::fsync(fd.get()) != 0) return io_error("cannot sync", folder);
    return {};
  }

  Result<std::unique_ptr<FileLock>> lock(const fs::path& path) override {
    while (true) {
      Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
      if (fd.get() < 0) return io_error("cannot create", path);
      if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return io_error("cannot lock", path);
        return make_error(ErrorKind::kIo, "another run is writing this output", path.string(),
                          "wait until it ends, or choose another output");
      }
      // The last holder may have removed the file between our open and our lock.
      if (same_file(fd.get(), path)) return std::make_unique<RealLock>(std::move(fd), path);
    }
  }

 private:
  static Result<std::unique_ptr<WritableFile>> open_file(const fs::path& path, int flags,
                                                         std::uint64_t size) {
    Descriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666));
    if (fd.get() < 0) return io_error("cannot open for writing", path);
    return std::make_unique<RealFile>(std::move(fd), path, size);
  }
};

}  // namespace

FileSystem& real_files() {
  static RealFiles files;
  return files;
}

Status atomic_write(FileSystem& files, const fs::path& path, std::string_view bytes) {
  const fs::path part = path.string() + ".tmp";
  VECMILL_ASSIGN(auto file, files.create(part));
  VECMILL_TRY(file->append(bytes));
  VECMILL_TRY(file->sync());
  VECMILL_TRY(files.rename(part, path));
  return files.sync_dir(folder_of(path));
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace vecmill
