#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "vecmill/result.h"

namespace vecmill {

/// The file of vectors that were made before, and how it is kept. Names of files as in docs/cli.md,
/// command `cache`.
struct CacheOptions {
  std::string path;  ///< empty: VECMILL_HOME/cache/vectors.db
  std::uint64_t max_bytes = std::uint64_t{10} << 30;
  /// What is found or made is kept in this process, too, in so many bytes of memory; 0: it is not.
  std::uint64_t memory_bytes = std::uint64_t{64} << 20;
  /// At this age a vector is made anew; 0: never. Without: 7 days for those of a server, 30 for
  /// those of a local model.
  std::optional<std::chrono::seconds> ttl = {};
  /// Where the key of encryption stands, 64 hexadecimal digits: a private file, or the name of an
  /// environment variable. Neither: not encrypted.
  std::string key_file = {}, key_env = {};
};

enum class CacheMode : std::uint8_t {
  kAuto,  ///< for servers, not for local models
  kOff,
  kOn,
};

struct CacheStatus {
  std::string path;
  bool exists = false;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  ///< on disk
  std::uint64_t max_bytes = 0;
  std::uint64_t found = 0, missed = 0;  ///< of what was looked up in the file, in the last 30 days
  std::string set_aside = {};           ///< where the file went because it was damaged; else empty
};

struct CacheCheck {
  std::uint64_t rows = 0;     ///< whole ones
  std::uint64_t dropped = 0;  ///< damaged ones, which are gone now
  std::string set_aside;      ///< where the file went when all of it was damaged; else empty
};

/// All of these: errors  kIo: the file cannot be used as it is: another version, another program,
///                             others may read it, disk full; kAuth: encrypted with another key
///                       kUnavailable: damaged while another process uses it
Result<CacheStatus> cache_status(const CacheOptions& options);

/// Removes what is older, then the least used until the rest takes no more bytes. Returns how many.
Result<std::uint64_t> prune_cache(const CacheOptions& options, std::chrono::seconds older_than,
                                  std::optional<std::uint64_t> max_bytes);

/// Gives free space back to the disk; needs as much again while it runs. Returns how many bytes.
Result<std::uint64_t> compact_cache(const CacheOptions& options);

/// Reads every row and drops the damaged ones.
Result<CacheCheck> verify_cache(const CacheOptions& options);

/// All rows as one file that does not change, and back. Both return how many.
///   errors  kInvalidArgument: there is a file of that name; kNotFound: no cache, no archive;
///           kInvalidData: a damaged archive, of which nothing is put
Result<std::uint64_t> export_cache(const CacheOptions& options, const std::string& archive);
Result<std::uint64_t> import_cache(const CacheOptions& options, const std::string& archive);

/// Forgets everything. Returns how many rows.
Result<std::uint64_t> clear_cache(const CacheOptions& options);

}  // namespace vecmill
