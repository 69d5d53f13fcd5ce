#include "vecmill/encode/packed_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "vecmill/base/hash.h"
#include "vecmill/base/mapped_file.h"

namespace vecmill::encode {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

Result<PackedWriter> PackedWriter::create(const fs::path& path) {
  PackedWriter writer;
  writer.path_ = path;
  std::string name = path.string() + ".XXXXXX";
  writer.fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (writer.fd_ < 0) return writer.failed("cannot create a file beside it");
  writer.temporary_ = name;
  if (::fchmod(writer.fd_, 0644) != 0) return writer.failed("cannot set its permissions");
  writer.block_.reserve(kPackedBlock);
  return writer;
}

PackedWriter::PackedWriter(PackedWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      meta_(std::move(other.meta_)),
      block_(std::move(other.block_)),
      checksums_(std::move(other.checksums_)) {}

PackedWriter::~PackedWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error PackedWriter::failed(const char* what) const {
  return make_error(ErrorKind::kIo, std::string(what) + ": " + std::strerror(errno),
                    path_.string());
}

Status PackedWriter::write_all(std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

Status PackedWriter::flush_block() {
  block_.resize(kPackedBlock);  // the last one is filled up with zeros
  VECMILL_TRY(write_all(block_, kPackedHeader + checksums_.size() * kPackedBlock));
  checksums_.push_back(checksum(block_));
  block_.clear();
  return {};
}

Status PackedWriter::append_bytes(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t room = std::min(kPackedBlock - block_.size(), bytes.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(room));
    bytes = bytes.subspan(room);
    if (block_.size() == kPackedBlock) VECMILL_TRY(flush_block());
  }
  return {};
}

Status PackedWriter::start(std::string name, std::uint64_t floats) {
  block_.resize((block_.size() + kAlignment - 1) / kAlignment * kAlignment);
  if (block_.size() == kPackedBlock) VECMILL_TRY(flush_block());
  const std::uint64_t offset = checksums_.size() * kPackedBlock + block_.size();
  meta_.tensors.insert_or_assign(std::move(name), PackedMeta::Place{offset, floats});
  return {};
}

Status PackedWriter::append(std::span<const float> values) {
  return append_bytes(std::as_bytes(values));
}

Status PackedWriter::add(std::string name, std::span<const float> values) {
  VECMILL_TRY(start(std::move(name), values.size()));
  return append(values);
}

Status PackedWriter::finish(ConfigFiles configs, std::vector<PackedSource> weights,
                            PackedHeads heads) {
  if (!block_.empty()) VECMILL_TRY(flush_block());
  meta_.configs = std::move(configs);
  meta_.weights = std::move(weights);
  meta_.heads = std::move(heads);
  const std::string meta = write_meta(meta_);
  const auto meta_bytes = std::as_bytes(std::span(meta));
  const auto table = std::as_bytes(std::span(checksums_));

  PackedHeader header{};
  std::memcpy(header.magic, "VECMILLP", sizeof(header.magic));
  header.version = kPackedVersion;
  header.block_bytes = kPackedBlock;
  header.data_bytes = checksums_.size() * kPackedBlock;
  header.checksums_offset = kPackedHeader + header.data_bytes;
  header.checksums_checksum = checksum(table);
  header.meta_offset = header.checksums_offset + table.size();
  header.meta_bytes = meta_bytes.size();
  header.meta_checksum = checksum(meta_bytes);
  header.file_bytes = header.meta_offset + header.meta_bytes;
  const auto header_bytes = std::as_bytes(std::span(&header, 1));
  header.header_checksum = checksum(header_bytes.first(offsetof(PackedHeader, header_checksum)));

  VECMILL_TRY(write_all(table, header.checksums_offset));
  VECMILL_TRY(write_all(meta_bytes, header.meta_offset));
  VECMILL_TRY(write_all(header_bytes, 0));
  return publish();
}

Status PackedWriter::publish() {
  if (::fsync(fd_) != 0) return failed("cannot make the file durable");
  if (::close(std::exchange(fd_, -1)) != 0) return failed("cannot close");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot move into place");
  temporary_.clear();
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed("cannot open its folder");
  const int status = ::fsync(directory);
  ::close(directory);
  if (status != 0) return failed("cannot make its name durable");
  return {};
}

Result<PackedSource> source_of(const fs::path& file, const fs::path& root) {
  VECMILL_ASSIGN(const MappedFile mapped, MappedFile::open(file));
  Sha256 hash;
  VECMILL_TRY(mapped.in_pieces([&](std::span<const std::byte> piece) -> Status {
    hash.update(piece);
    return {};
  }));
  return PackedSource{file.lexically_relative(root).string(), mapped.bytes().size(), hash.hex()};
}

}  // namespace vecmill::encode
