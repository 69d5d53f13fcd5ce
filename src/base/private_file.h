#pragma once

#include <filesystem>
#include <string>

#include "vecmill/result.h"

namespace vecmill {

/// Makes sure that `path` is a file of this user that no one else can read; it is created, empty
/// and with mode 0600, when it is not there.
///   errors  kIo: cannot be created; a link, a folder, another's or readable by others
Status make_private_file(const std::filesystem::path& path);

/// What a small file holds that no one else can read.
///   why     for the hint: what others could do with it
///   errors  kNotFound; kIo: cannot be read, more than 4 KiB; else as make_private_file
Result<std::string> read_private_file(const std::filesystem::path& path, const std::string& why);

/// A lock between processes on a file of its own: shared by all that use something, and held alone
/// by one that replaces it.
class SharedLock {
 public:
  /// Shared. Waits while another process holds it alone.
  static Result<SharedLock> take(const std::filesystem::path& path);
  SharedLock() = default;
  ~SharedLock();
  SharedLock(SharedLock&& other) noexcept;
  SharedLock& operator=(SharedLock&& other) noexcept;

  /// True: nobody else has it, until `share` is called. False: it is shared as before.
  [[nodiscard]] bool try_alone() const;
  void share() const;

 private:
  int fd_ = -1;
};

}  // namespace vecmill
