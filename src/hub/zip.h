#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

struct ZipEntry {
  std::string name;          ///< relative, '/' between the parts, none of them empty, "." or ".."
  std::uint16_t method = 0;  ///< 0: stored, 8: deflate; others fail when they are read
  std::uint32_t crc = 0;
  std::uint64_t compressed = 0;  ///< bytes in the archive
  std::uint64_t size = 0;        ///< bytes unpacked
  std::uint64_t offset = 0;      ///< of the data, from the start of the archive
};

/// A zip archive in memory (ZIP64 too). The whole directory is checked when it is opened: names
/// that lead out of the archive, symbolic links, encryption, names that appear twice and data that
/// overlaps are refused, so that no archive unpacks to more than about 1,000 times its size.
class ZipReader {
 public:
  /// `file` must outlive the reader; `where` names it in errors.
  ///   errors  kInvalidData, kUnsupported
  static Result<ZipReader> open(std::span<const std::byte> file, std::string where);

  /// In the order of the archive's directory; folders are left out.
  [[nodiscard]] const std::vector<ZipEntry>& entries() const { return entries_; }
  [[nodiscard]] const ZipEntry* find(std::string_view name) const;

  /// The bytes of a stored entry where they lie; the CRC is not looked at.
  ///   errors  kUnsupported when the entry is compressed
  [[nodiscard]] Result<std::span<const std::byte>> stored(const ZipEntry& entry) const;

  /// Unpacks in pieces; size and CRC are checked at the end.
  ///   errors  kInvalidData, kUnsupported, and whatever `sink` returns
  [[nodiscard]] Status extract(const ZipEntry& entry,
                               const std::function<Status(std::string_view)>& sink) const;

  /// Looks whether the entry can be unpacked and is undamaged.
  ///   errors  as extract
  [[nodiscard]] Status check(const ZipEntry& entry) const;

  ///   errors  as extract; kInvalidData when it is larger than `limit`
  [[nodiscard]] Result<std::string> read(const ZipEntry& entry, std::uint64_t limit) const;

 private:
  [[nodiscard]] std::string place(const ZipEntry& entry) const;

  std::span<const std::byte> file_;
  std::string where_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, std::size_t> by_name_;  ///< numbers of entries
};

/// True for a relative path with '/' between parts that are neither empty nor "." nor ".." and
/// hold no backslash, colon or control character.
[[nodiscard]] bool is_safe_relative_path(std::string_view path);

}  // namespace vecmill::hub
