#include "vecmill/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace vecmill {
namespace {

Error system_error(const std::filesystem::path& path, const char* what) {
  const int code = errno;
  return make_error(code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
                    std::string(what) + ": " + std::strerror(code), path.string());
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error(path, "cannot open");
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    Error error = S_ISREG(info.st_mode)
                      ? system_error(path, "cannot read its size")
                      : make_error(ErrorKind::kIo, "is not a regular file", path.string());
    ::close(fd);
    return error;
  }
  MappedFile file;
  file.size_ = static_cast<std::size_t>(info.st_size);
  if (file.size_ > 0) {
    void* address = ::mmap(nullptr, file.size_, PROT_READ, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) {
      Error error = system_error(path, "cannot map");
      file.size_ = 0;
      ::close(fd);
      return error;
    }
    file.data_ = static_cast<const std::byte*>(address);
  }
  ::close(fd);
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Status MappedFile::in_pieces(const std::function<Status(std::span<const std::byte>)>& use) const {
  constexpr std::size_t kPiece = 8U << 20;
  for (std::size_t at = 0; at < size_; at += kPiece) {
    const auto piece = bytes().subspan(at, std::min(kPiece, size_ - at));
    VECMILL_TRY(use(piece));
    forget(piece);
  }
  return {};
}

void MappedFile::forget(std::span<const std::byte> part) const {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = static_cast<std::size_t>(part.data() - data_) / page * page;
  const auto end = static_cast<std::size_t>(part.data() - data_) + part.size();
  if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > limit) {
    return make_error(ErrorKind::kInvalidData,
                      "is larger than the " + std::to_string(limit) + " bytes such a file may have",
                      path.string());
  }
  return std::string(file.text());
}

}  // namespace vecmill
