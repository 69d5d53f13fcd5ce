#include "vecmill/hub/zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "vecmill/base/utf8.h"
#include "vecmill/hub/zip_directory.h"

namespace vecmill::hub {
namespace {

constexpr std::size_t kPiece = 1 << 18;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflate = 8;

/// Passes pieces on while it counts them and adds up their CRC.
class CheckedSink {
 public:
  CheckedSink(const ZipEntry& entry, const std::function<Status(std::string_view)>& sink)
      : entry_(entry), sink_(sink) {}

  [[nodiscard]] bool fits(std::size_t more) const { return more <= entry_.size - written_; }

  Status put(std::string_view piece) {
    written_ += piece.size();
    crc_ = crc32_z(crc_, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
    return sink_(piece);
  }

  [[nodiscard]] bool good() const { return written_ == entry_.size && crc_ == entry_.crc; }

 private:
  const ZipEntry& entry_;
  const std::function<Status(std::string_view)>& sink_;
  std::uint64_t written_ = 0;
  uLong crc_ = 0;
};

Error damaged(std::string where) {
  return make_error(ErrorKind::kInvalidData, "its bytes are damaged (length or CRC is wrong)",
                    std::move(where), "get the archive again");
}

Status inflate_to(std::string_view packed, CheckedSink& sink, const std::string& where) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return make_error(ErrorKind::kIo, "zlib cannot be started (out of memory?)", where);
  }
  const std::unique_ptr<z_stream, int (*)(z_streamp)> guard(&stream, inflateEnd);
  std::string out(kPiece, '\0');
  for (int state = Z_OK; state != Z_STREAM_END;) {
    if (stream.avail_in == 0) {
      const std::size_t piece = std::min(packed.size(), kPiece);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
      stream.avail_in = static_cast<uInt>(piece);
      packed.remove_prefix(piece);
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    state = inflate(&stream, Z_NO_FLUSH);
    // Z_BUF_ERROR: the input is at its end and the stream is not.
    if (state != Z_OK && state != Z_STREAM_END) return damaged(where);
    const std::size_t got = out.size() - stream.avail_out;
    if (!sink.fits(got)) return damaged(where);
    VECMILL_TRY(sink.put(std::string_view(out.data(), got)));
  }
  if (stream.avail_in != 0 || !packed.empty()) return damaged(where);
  return {};
}

}  // namespace

bool is_safe_relative_path(std::string_view path) {
  if (path.empty() || path.size() > 1024 || !is_valid_utf8(path)) return false;
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\' || c == ':') return false;
  }
  while (true) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
}

Result<ZipReader> ZipReader::open(std::span<const std::byte> file, std::string where) {
  ZipReader reader;
  VECMILL_ASSIGN(reader.entries_, read_zip_directory(file, where));
  for (std::size_t i = 0; i < reader.entries_.size(); ++i) {
    reader.by_name_.emplace(reader.entries_[i].name, i);
  }
  reader.file_ = file;
  reader.where_ = std::move(where);
  return reader;
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

std::string ZipReader::place(const ZipEntry& entry) const {
  return where_ + "(" + entry.name + ")";
}

Result<std::span<const std::byte>> ZipReader::stored(const ZipEntry& entry) const {
  if (entry.method != kStored) {
    return make_error(ErrorKind::kUnsupported, "is compressed, must be stored", place(entry));
  }
  if (entry.size != entry.compressed) return damaged(place(entry));
  return file_.subspan(entry.offset, entry.size);
}

Status ZipReader::extract(const ZipEntry& entry,
                          const std::function<Status(std::string_view)>& sink) const {
  CheckedSink checked(entry, sink);
  const auto bytes = file_.subspan(entry.offset, entry.compressed);
  std::string_view packed(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (entry.method == kDeflate) {
    VECMILL_TRY(inflate_to(packed, checked, place(entry)));
  } else if (entry.method == kStored) {
    VECMILL_TRY(stored(entry));
    for (; !packed.empty(); packed.remove_prefix(std::min(packed.size(), kPiece))) {
      VECMILL_TRY(checked.put(packed.substr(0, kPiece)));
    }
  } else {
    return make_error(ErrorKind::kUnsupported,
                      "is packed with method " + std::to_string(entry.method), place(entry),
                      "pack the archive again with deflate, which every tool can");
  }
  if (!checked.good()) return damaged(place(entry));
  return {};
}

Status ZipReader::check(const ZipEntry& entry) const {
  return extract(entry, [](std::string_view) -> Status { return {}; });
}

Result<std::string> ZipReader::read(const ZipEntry& entry, std::uint64_t limit) const {
  if (entry.size > limit) {
    return make_error(ErrorKind::kInvalidData,
                      "is larger than the " + std::to_string(limit) + " bytes such a file may have",
                      place(entry));
  }
  std::string text;
  VECMILL_TRY(extract(entry, [&](std::string_view piece) -> Status {
    text += piece;
    return {};
  }));
  return text;
}

}  // namespace vecmill::hub
