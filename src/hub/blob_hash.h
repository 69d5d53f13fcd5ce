#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "vecmill/base/hash.h"
#include "vecmill/base/sha1.h"
#include "vecmill/result.h"

namespace vecmill::hub {

[[nodiscard]] bool is_hex(std::string_view text, std::size_t digits);

/// A blob of the cache is named by the hash of its content: SHA-256 (64 digits, large files) or
/// the SHA-1 that git gives a blob (40 digits, small ones).
[[nodiscard]] inline bool is_blob_id(std::string_view id) {
  return is_hex(id, 64) || is_hex(id, 40);
}

/// Adds up both: the SHA-256 for our own records, and the git hash where the blob is named so.
class BlobHash {
 public:
  ///   git_size  the whole size where the git hash is wanted too (it comes first in what is hashed)
  explicit BlobHash(std::optional<std::uint64_t> git_size = std::nullopt);

  void update(std::string_view bytes);

  struct Digests {
    std::string sha256;
    std::string git;  ///< empty when it was not wanted
    std::uint64_t bytes = 0;
  };
  /// The object may not be used afterwards.
  [[nodiscard]] Digests finish();

 private:
  Sha256 sha256_;
  std::optional<Sha1> git_;
  std::uint64_t bytes_ = 0;
};

/// The digests of a file's content.
///   errors  kNotFound, kIo
Result<BlobHash::Digests> hash_file(const std::filesystem::path& path, bool git);

}  // namespace vecmill::hub
