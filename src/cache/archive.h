#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "vecmill/cache/sqlite_level.h"

namespace vecmill::cache {

/// A cache as one file that does not change, little-endian:
///   "VMCACHE1", size of the sample (u32), the sample (RowCodec::sample);
///   per row: its size (u32, not 0), made (i64, seconds since 1970), the row (see row.h),
///            XXH3-64 of these three (u64);
///   0 (u32), number of rows (u64), and the chain over their sums (u64): from 0 on, with each row
///            XXH3-64 of the chain so far and the row's sum
/// Rows are sealed if the cache they come from is encrypted.
class ArchiveReader {
 public:
  /// `codec` must have the key that the archive was made with.
  ///   errors  kInvalidData: not an archive; kAuth: sealed with another key, or not sealed
  static Result<ArchiveReader> open(std::string_view bytes, RowCodec& codec);

  struct Entry {
    RowCodec::Row row;
    Time made;
  };
  /// nullopt behind the last row.
  ///   errors  kInvalidData naming the row: damaged, cut, or not what may be kept;
  ///           kMismatch: it keeps numbers in another way than the codec
  Result<std::optional<Entry>> next();

 private:
  ArchiveReader(std::string_view rest, RowCodec& codec) : rest_(rest), codec_(&codec) {}
  Result<std::optional<Entry>> finish();
  [[nodiscard]] Error damaged(const std::string& what) const;

  std::string_view rest_;
  RowCodec* codec_;
  std::uint64_t rows_ = 0;
  std::uint64_t chain_ = 0;
};

/// Writes all whole rows of a cache; the file appears complete or not at all, with mode 0600.
/// Returns how many rows.
Result<std::uint64_t> export_archive(SqliteLevel& level, const std::filesystem::path& path);

/// Verifies a whole archive, then puts its rows, which keep their age. Returns how many rows.
///   errors  kNotFound, kIo; see ArchiveReader, then nothing was put
Result<std::uint64_t> import_archive(SqliteLevel& level, const std::filesystem::path& path,
                                     Time now);

}  // namespace vecmill::cache
