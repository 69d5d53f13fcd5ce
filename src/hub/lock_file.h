#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

/// Stands in the snapshot beside the files that it lists.
inline constexpr char kLockFileName[] = "vecmill.lock.json";

struct LockedFile {
  std::string path;  ///< relative to the snapshot
  std::uint64_t bytes = 0;
  std::string sha256;
  std::string from;  ///< of converted weights: the file they came from; else empty
};

/// What a model was when it came into the store.
struct LockFile {
  std::string model;
  std::string revision;
  std::string source;  ///< the Hub's address, or the name of the imported file or folder
  std::vector<LockedFile> files;
};

/// Two-space indented JSON with a line end.
[[nodiscard]] std::string write_lock(const LockFile& lock);

///   errors  kInvalidData
Result<LockFile> parse_lock(std::string_view json, const std::string& where);

/// The lock of a snapshot.
///   errors  kNotFound, kIo, kInvalidData
Result<LockFile> read_lock(const std::filesystem::path& snapshot);

}  // namespace vecmill::hub
