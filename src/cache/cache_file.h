#pragma once

#include <filesystem>

#include "vecmill/base/database.h"
#include "vecmill/base/private_file.h"
#include "vecmill/cache/row.h"

namespace vecmill::cache {

/// Small enough that the rows of common dimensions leave little of their pages empty, whether they
/// lie in one or go on in others: 1,024 f16, 1,024 and 1,536 f32 use 94 % and more.
inline constexpr std::uint32_t kPageBytes = 2048;

/// The SQLite file of a cache, apart from what is in its rows: mode 0600 and the owner checked, one
/// version, one key of encryption; a damaged one is renamed to X.corrupt and begun anew.
///
/// vectors: id      the first 64 bits of the key's MAC
///          made    when it was put, in seconds since 1970
///          used    the hour of its last use; not always written at once
///          row     see row.h
class CacheFile {
 public:
  /// `codec` tells whether the file is encrypted with our key.
  ///   errors  kIo (see make_private_file), kUnsupported: of another version, kInvalidData: of
  ///           another program, kAuth, kMismatch: encrypted in another way,
  ///           kUnavailable: damaged while another process uses it
  static Result<CacheFile> open(const std::filesystem::path& path, RowCodec& codec);

  /// One more connection to the file.
  [[nodiscard]] Result<Database> connect() const;

  /// Renames the damaged file and begins a new one. No connection may be open.
  Status set_aside(RowCodec& codec);

  /// Removes what `set_aside` left.
  [[nodiscard]] Status forget_damaged() const;

  /// Bytes on disk, the log included.
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t log_bytes() const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool was_set_aside() const { return was_set_aside_; }

 private:
  Status prepare(RowCodec& codec) const;
  Status check(const Database& db, RowCodec& codec) const;
  [[nodiscard]] std::filesystem::path beside(const char* suffix) const;

  std::filesystem::path path_;
  SharedLock lock_;
  bool was_set_aside_ = false;
};

}  // namespace vecmill::cache
