#include "vecmill/encode/packed_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vecmill/base/hash.h"

namespace vecmill::encode {
namespace {

constexpr std::uint64_t kMaxMeta = 64u << 20;
constexpr const char* kRepack = "pack the model again with 'vecmill import'";

Error damaged(const std::string& where, std::string message) {
  return make_error(ErrorKind::kInvalidData, std::move(message), where, kRepack);
}

std::span<const std::byte> header_part(const PackedHeader& header) {
  return std::as_bytes(std::span(&header, 1)).first(offsetof(PackedHeader, header_checksum));
}

/// The three parts must follow one another and fill the file.
bool layout_is_sound(const PackedHeader& h, std::uint64_t file_bytes) {
  if (h.file_bytes != file_bytes || h.block_bytes != kPackedBlock) return false;
  if (h.data_bytes % kPackedBlock != 0 || h.data_bytes > file_bytes) return false;
  const std::uint64_t blocks = h.data_bytes / kPackedBlock;
  return h.checksums_offset == kPackedHeader + h.data_bytes && h.meta_bytes <= kMaxMeta &&
         h.meta_offset == h.checksums_offset + blocks * sizeof(std::uint64_t) &&
         h.meta_offset + h.meta_bytes == file_bytes;
}

}  // namespace

Result<PackedFile> PackedFile::open(const std::filesystem::path& path) {
  PackedFile packed;
  packed.where_ = path.string();
  VECMILL_ASSIGN(packed.file_, MappedFile::open(path));
  VECMILL_TRY(packed.read_header());
  return packed;
}

Status PackedFile::read_header() {
  const auto bytes = file_.bytes();
  if (bytes.size() < kPackedHeader) return damaged(where_, "is too short to be a packed model");
  std::memcpy(&header_, bytes.data(), sizeof(header_));
  if (std::memcmp(header_.magic, "VECMILLP", 8) != 0) {
    return damaged(where_, "is not a packed model");
  }
  if (header_.version != kPackedVersion) {
    return make_error(ErrorKind::kUnsupported,
                      "has the packed format " + std::to_string(header_.version) +
                          ", this program reads " + std::to_string(kPackedVersion),
                      where_, kRepack);
  }
  if (checksum(header_part(header_)) != header_.header_checksum) {
    return damaged(where_, "has a damaged header");
  }
  if (!layout_is_sound(header_, bytes.size())) {
    return damaged(where_, "has " + std::to_string(bytes.size()) + " bytes, its header says " +
                               std::to_string(header_.file_bytes));
  }
  checksums_ = bytes.data() + header_.checksums_offset;
  const auto table =
      bytes.subspan(header_.checksums_offset, header_.meta_offset - header_.checksums_offset);
  const auto meta = bytes.subspan(header_.meta_offset);
  if (checksum(table) != header_.checksums_checksum || checksum(meta) != header_.meta_checksum) {
    return damaged(where_, "has a damaged table");
  }
  VECMILL_ASSIGN(meta_, parse_meta({reinterpret_cast<const char*>(meta.data()), meta.size()},
                                   header_.data_bytes, where_));
  verified_ = std::make_unique<std::atomic<bool>[]>(header_.data_bytes / kPackedBlock);
  return {};
}

Result<const float*> PackedFile::unverified_tensor(std::string_view name,
                                                   std::uint64_t floats) const {
  const auto place = meta_.tensors.find(name);
  if (place == meta_.tensors.end() || place->second.floats != floats) {
    return damaged(where_, "has no tensor '" + std::string(name) +
                               "' of the size that the "
                               "configuration in it demands");
  }
  return reinterpret_cast<const float*>(data() + place->second.offset);
}

Result<const float*> PackedFile::tensor(std::string_view name, std::uint64_t floats) const {
  VECMILL_ASSIGN(const float* first, unverified_tensor(name, floats));
  VECMILL_TRY(verify(first, floats * sizeof(float)));
  return first;
}

Status PackedFile::verify(const void* first, std::uint64_t bytes) const {
  if (bytes == 0) return {};
  const auto begin = static_cast<std::uint64_t>(static_cast<const std::byte*>(first) - data());
  return verify_blocks(begin / kPackedBlock, (begin + bytes - 1) / kPackedBlock);
}

Status PackedFile::verify_all() const {
  constexpr std::uint64_t kTogether = 512;
  const std::uint64_t blocks = header_.data_bytes / kPackedBlock;
  for (std::uint64_t first = 0; first < blocks; first += kTogether) {
    const std::uint64_t count = std::min(kTogether, blocks - first);
    VECMILL_TRY(verify_blocks(first, first + count - 1));
    file_.forget({data() + first * kPackedBlock, count * kPackedBlock});
  }
  return {};
}

Status PackedFile::verify_blocks(std::uint64_t first, std::uint64_t last) const {
  for (std::uint64_t block = first; block <= last; ++block) {
    if (verified_[block].load(std::memory_order_relaxed)) continue;
    std::uint64_t expected = 0;
    std::memcpy(&expected, checksums_ + block * sizeof(expected), sizeof(expected));
    if (checksum({data() + block * kPackedBlock, kPackedBlock}) != expected) {
      return damaged(where_, "block " + std::to_string(block) + " of the weights is damaged");
    }
    verified_[block].store(true, std::memory_order_relaxed);
  }
  return {};
}

}  // namespace vecmill::encode
