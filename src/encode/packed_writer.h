#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/encode/packed_file.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// Writes a packed file beside its final place and moves it there when it is complete and durable.
/// Without `finish` nothing is left behind.
class PackedWriter {
 public:
  ///   errors  kIo
  static Result<PackedWriter> create(const std::filesystem::path& path);
  PackedWriter(PackedWriter&& other) noexcept;
  PackedWriter& operator=(PackedWriter&&) = delete;
  ~PackedWriter();

  /// Appends one tensor, aligned to 64 bytes.
  Status add(std::string name, std::span<const float> values);
  /// The same in pieces: `start`, then `append` until there are so many floats.
  Status start(std::string name, std::uint64_t floats);
  Status append(std::span<const float> values);
  /// Of another size than float: `start` was told how many floats' places they fill, the last one
  /// up with zeros.
  Status append_bytes(std::span<const std::byte> bytes);

  Status finish(ConfigFiles configs, std::vector<PackedSource> weights, PackedHeads heads);

 private:
  PackedWriter() = default;
  Status flush_block();
  Status write_all(std::span<const std::byte> bytes, std::uint64_t offset);
  Status publish();
  [[nodiscard]] Error failed(const char* what) const;

  std::filesystem::path path_, temporary_;
  int fd_ = -1;
  PackedMeta meta_;
  std::vector<std::byte> block_;  ///< filled up to kPackedBlock, then written
  std::vector<std::uint64_t> checksums_;
};

/// What the packed file remembers of a weight file below the model folder `root`.
///   errors  kNotFound, kIo
Result<PackedSource> source_of(const std::filesystem::path& file,
                               const std::filesystem::path& root);

}  // namespace vecmill::encode
