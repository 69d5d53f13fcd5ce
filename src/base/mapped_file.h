#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill {

/// A whole file, mapped read-only and shared with other processes.
class MappedFile {
 public:
  ///   errors  kNotFound, kIo naming the path
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile() = default;
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }

  /// Calls `use` with one piece of the file after the other and lets go of the memory behind each:
  /// a file of any size passes through a few megabytes. Stops at the first error.
  Status in_pieces(const std::function<Status(std::span<const std::byte>)>& use) const;

  /// Lets go of the memory behind a part of `bytes()`; it is read from the file when used again.
  void forget(std::span<const std::byte> part) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The content of a small file.
///   errors  kNotFound, kIo, kInvalidData when it is larger than `limit` bytes
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 1u << 30);

}  // namespace vecmill
