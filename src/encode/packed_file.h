#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/model_config.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// Format version 6; docs/packed_format.md has the layout. The version also stands for the order in
/// which kernels want the weights: a change of that order is a new version.
inline constexpr std::uint32_t kPackedVersion = 6;
inline constexpr std::size_t kPackedHeader = 4096;
inline constexpr std::size_t kPackedBlock = 16384;

struct PackedHeader {
  char magic[8];  ///< "VECMILLP"
  std::uint32_t version;
  std::uint32_t block_bytes;
  std::uint64_t file_bytes;
  std::uint64_t data_bytes;  ///< from kPackedHeader on, a whole number of blocks
  std::uint64_t checksums_offset;
  std::uint64_t checksums_checksum;
  std::uint64_t meta_offset, meta_bytes, meta_checksum;
  std::uint64_t header_checksum;  ///< of the bytes before it
};
static_assert(sizeof(PackedHeader) == 80);

/// A file that went into the packed one.
struct PackedSource {
  std::string name;  ///< relative to the model folder
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// A head beside the pooling: its tensors are `head.NAME.weight` and `.bias`.
struct PackedHead {
  std::uint32_t dims = 0;  ///< outputs per token
  PackedSource source;
};
using PackedHeads = std::map<std::string, PackedHead, std::less<>>;

/// The part of the file that describes the rest, stored as JSON.
struct PackedMeta {
  struct Place {
    std::uint64_t offset = 0;  ///< in bytes, within the data
    std::uint64_t floats = 0;
  };
  std::map<std::string, Place, std::less<>> tensors;
  ConfigFiles configs;
  std::vector<PackedSource> weights;
  PackedHeads heads;  ///< by name: "sparse", "multivector"
};

[[nodiscard]] std::string write_meta(const PackedMeta& meta);
///   errors  kInvalidData; every tensor lies aligned within `data_bytes`
Result<PackedMeta> parse_meta(std::string_view json, std::uint64_t data_bytes,
                              const std::string& where);

/// A mapped packed file. No block of it is handed out before its checksum was compared.
/// Safe from any thread.
class PackedFile {
 public:
  ///   errors  kNotFound, kIo, kInvalidData; kUnsupported for another version
  static Result<PackedFile> open(const std::filesystem::path& path);

  /// The whole tensor, verified.
  ///   errors  kInvalidData: no such tensor, another size, a damaged block
  Result<const float*> tensor(std::string_view name, std::uint64_t floats) const;

  /// The same without verification; its rows must go through `verify` before they are read.
  Result<const float*> unverified_tensor(std::string_view name, std::uint64_t floats) const;

  /// Compares the checksums of the blocks under these bytes, each block once.
  Status verify(const void* first, std::uint64_t bytes) const;
  Status verify_all() const;

  [[nodiscard]] const PackedMeta& meta() const { return meta_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  Status read_header();
  Status verify_blocks(std::uint64_t first, std::uint64_t last) const;
  [[nodiscard]] const std::byte* data() const { return file_.bytes().data() + kPackedHeader; }

  std::string where_;
  MappedFile file_;
  PackedHeader header_{};
  PackedMeta meta_;
  const std::byte* checksums_ = nullptr;
  std::unique_ptr<std::atomic<bool>[]> verified_;  ///< by block
};

}  // namespace vecmill::encode
