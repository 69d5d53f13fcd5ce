#include "vecmill/base/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace vecmill {
namespace {

constexpr const char* kWhy = "it tells of your texts";
constexpr std::size_t kSmall = 4096;

Status check_private(const struct stat& info, const std::filesystem::path& path,
                     const std::string& why) {
  if (S_ISLNK(info.st_mode)) {
    return make_error(ErrorKind::kIo, "is a link", path.string(), "name the file itself");
  }
  if (!S_ISREG(info.st_mode))
    return make_error(ErrorKind::kIo, "is not a file", path.string(), "choose another name");
  if (info.st_uid != ::geteuid()) {
    return make_error(ErrorKind::kIo, "belongs to another user", path.string(),
                      why + "; choose a file of your own");
  }
  if ((info.st_mode & 077) != 0) {
    return make_error(ErrorKind::kIo, "others may read or write it", path.string(),
                      why + "; chmod 600 " + path.string());
  }
  return {};
}

Error system_error(const std::filesystem::path& path, const char* what) {
  return make_error(ErrorKind::kIo, std::string(what) + ": " + std::strerror(errno), path.string());
}

}  // namespace

// What is there is never opened: closing it would release the locks that SQLite holds on it.
Status make_private_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  if (errno != EEXIST) return system_error(path, "cannot create");
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return system_error(path, "cannot read its mode");
  return check_private(info, path, kWhy);
}

Result<std::string> read_private_file(const std::filesystem::path& path, const std::string& why) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return make_error(ErrorKind::kNotFound, "is not there", path.string());
    if (errno == ELOOP) {
      return make_error(ErrorKind::kIo, "is a link", path.string(), "name the file itself");
    }
    return system_error(path, "cannot read");
  }
  struct stat info {};
  Status status = ::fstat(fd, &info) != 0 ? Status(system_error(path, "cannot read its mode"))
                                          : check_private(info, path, why);
  std::string text(kSmall + 1, '\0');
  const ssize_t size = status ? ::read(fd, text.data(), text.size()) : 0;
  if (size < 0) status = system_error(path, "cannot read");
  ::close(fd);
  VECMILL_TRY(std::move(status));
  if (size > static_cast<ssize_t>(kSmall)) {
    return make_error(ErrorKind::kIo, "is too large", path.string(), "name another file");
  }
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<SharedLock> SharedLock::take(const std::filesystem::path& path) {
  SharedLock lock;
  VECMILL_TRY(make_private_file(path));
  lock.fd_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock.fd_ < 0) return system_error(path, "cannot open");
  lock.share();
  return lock;
}

SharedLock::~SharedLock() {
  if (fd_ >= 0) ::close(fd_);
}
SharedLock::SharedLock(SharedLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
SharedLock& SharedLock::operator=(SharedLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool SharedLock::try_alone() const {
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return true;
  share();  // a lock that cannot be converted is lost
  return false;
}

void SharedLock::share() const {
  while (::flock(fd_, LOCK_SH) != 0 && errno == EINTR) {
  }
}

}  // namespace vecmill
