#include "vecmill/hub/zip_directory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace vecmill::hub {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kDirectoryEnd = 0x06054b50;
constexpr std::uint32_t kDirectoryEnd64 = 0x06064b50;
constexpr std::uint32_t kDirectoryEnd64Locator = 0x07064b50;
constexpr std::size_t kLocalHeaderSize = 30;
constexpr std::size_t kDirectoryEntrySize = 46;
constexpr std::size_t kDirectoryEndSize = 22;
constexpr std::size_t kDirectoryEnd64Size = 56;
constexpr std::size_t kLocatorSize = 20;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kUnixFileType = 0xF000;
constexpr std::uint32_t kUnixLink = 0xA000;
constexpr std::uint8_t kMadeByUnix = 3;
constexpr std::uint64_t kMostEntries = 100'000;

class Bytes {
 public:
  Bytes(std::span<const std::byte> file, const std::string& where) : file_(file), where_(where) {}

  [[nodiscard]] bool has(std::uint64_t at, std::uint64_t size) const {
    return at <= file_.size() && size <= file_.size() - at;
  }
  template <class T>
  [[nodiscard]] T get(std::uint64_t at) const {  // only where `has` was true
    T value;
    std::memcpy(&value, file_.data() + at, sizeof value);
    return value;
  }
  [[nodiscard]] std::string_view text(std::uint64_t at, std::uint64_t size) const {
    return {reinterpret_cast<const char*>(file_.data() + at), size};
  }
  [[nodiscard]] std::size_t size() const { return file_.size(); }
  [[nodiscard]] Error bad(std::string what) const {
    return make_error(ErrorKind::kInvalidData, std::move(what), where_,
                      "the archive is damaged; get it again");
  }
  [[nodiscard]] Error unsupported(std::string what) const {
    return make_error(ErrorKind::kUnsupported, std::move(what), where_);
  }

 private:
  std::span<const std::byte> file_;
  const std::string& where_;
};

struct Directory {
  std::uint64_t entries = 0, size = 0, offset = 0;
};

std::optional<std::uint64_t> find_end(const Bytes& file) {
  if (file.size() < kDirectoryEndSize) return std::nullopt;
  const std::uint64_t last = file.size() - kDirectoryEndSize;
  for (std::uint64_t back = 0; back <= std::min<std::uint64_t>(last, 0xFFFF); ++back) {
    const std::uint64_t at = last - back;  // the comment after it must reach the end exactly
    if (file.get<std::uint32_t>(at) == kDirectoryEnd && file.get<std::uint16_t>(at + 20) == back) {
      return at;
    }
  }
  return std::nullopt;
}

Result<Directory> find_directory(const Bytes& file) {
  const auto end = find_end(file);
  if (!end) return file.bad("is not a zip archive, or its end is missing");
  Directory found{file.get<std::uint16_t>(*end + 10), file.get<std::uint32_t>(*end + 12),
                  file.get<std::uint32_t>(*end + 16)};
  std::uint64_t limit = *end;
  if (*end >= kLocatorSize &&
      file.get<std::uint32_t>(*end - kLocatorSize) == kDirectoryEnd64Locator) {
    const auto at = file.get<std::uint64_t>(*end - kLocatorSize + 8);
    if (!file.has(at, kDirectoryEnd64Size) || at + kDirectoryEnd64Size > *end - kLocatorSize ||
        file.get<std::uint32_t>(at) != kDirectoryEnd64) {
      return file.bad("its ZIP64 directory is not where it should be");
    }
    found = {file.get<std::uint64_t>(at + 32), file.get<std::uint64_t>(at + 40),
             file.get<std::uint64_t>(at + 48)};
    limit = at;
  }
  if (found.offset > limit || found.size != limit - found.offset) {
    return file.bad("its directory does not fit into the file");
  }
  if (found.entries > kMostEntries) return file.bad("it lists more than 100,000 files");
  return found;
}

/// The 64-bit values that stand in for the 32-bit fields that are all ones.
Status apply_zip64(const Bytes& file, std::string_view extra, ZipEntry& entry) {
  constexpr std::uint32_t kElsewhere = 0xFFFFFFFF;
  while (extra.size() >= 4) {
    std::uint16_t id = 0;
    std::uint16_t size = 0;
    std::memcpy(&id, extra.data(), 2);
    std::memcpy(&size, extra.data() + 2, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) return file.bad("an extra field runs over its end");
    std::string_view field = extra.substr(0, size);
    extra.remove_prefix(size);
    if (id != kZip64Extra) continue;
    for (std::uint64_t* value : {&entry.size, &entry.compressed, &entry.offset}) {
      if (*value != kElsewhere) continue;
      if (field.size() < 8) return file.bad("a ZIP64 field is missing");
      std::memcpy(value, field.data(), 8);
      field.remove_prefix(8);
    }
  }
  return {};
}

/// From the offset of the local header to that of the data.
Status find_data(const Bytes& file, const Directory& directory, ZipEntry& entry) {
  const std::uint64_t at = entry.offset;
  if (!file.has(at, kLocalHeaderSize) || file.get<std::uint32_t>(at) != kLocalHeader) {
    return file.bad("the header of '" + entry.name + "' is not where it should be");
  }
  const std::uint64_t name_size = file.get<std::uint16_t>(at + 26);
  const std::uint64_t extra_size = file.get<std::uint16_t>(at + 28);
  entry.offset = at + kLocalHeaderSize + name_size + extra_size;
  if (entry.offset > directory.offset || entry.compressed > directory.offset - entry.offset) {
    return file.bad("the data of '" + entry.name + "' does not fit into the file");
  }
  if (file.text(at + kLocalHeaderSize, name_size) != entry.name) {
    return file.bad("'" + entry.name + "' has another name in its own header");
  }
  return {};
}

struct Parsed {
  ZipEntry entry;
  bool folder = false;
  std::uint64_t header = 0;  ///< where its local header starts
  std::uint64_t next = 0;    ///< where the next directory entry starts
};

Result<Parsed> parse_entry(const Bytes& file, const Directory& directory, std::uint64_t at) {
  const std::uint64_t end = directory.offset + directory.size;
  if (end - at < kDirectoryEntrySize || file.get<std::uint32_t>(at) != kDirectoryEntry) {
    return file.bad("its directory is broken");
  }
  const std::uint64_t name_size = file.get<std::uint16_t>(at + 28);
  const std::uint64_t extra_size = file.get<std::uint16_t>(at + 30);
  const std::uint64_t comment_size = file.get<std::uint16_t>(at + 32);
  const std::uint64_t rest = name_size + extra_size + comment_size;
  if (end - at - kDirectoryEntrySize < rest) return file.bad("its directory is broken");

  Parsed parsed;
  ZipEntry& entry = parsed.entry;
  entry.name = file.text(at + kDirectoryEntrySize, name_size);
  entry.method = file.get<std::uint16_t>(at + 10);
  entry.crc = file.get<std::uint32_t>(at + 16);
  entry.compressed = file.get<std::uint32_t>(at + 20);
  entry.size = file.get<std::uint32_t>(at + 24);
  entry.offset = file.get<std::uint32_t>(at + 42);
  parsed.next = at + kDirectoryEntrySize + rest;
  parsed.folder = entry.name.ends_with('/');

  const std::string_view checked(entry.name.data(), entry.name.size() - (parsed.folder ? 1 : 0));
  if (!is_safe_relative_path(checked)) {
    return file.bad("holds a file name that leads out of the archive or no system takes");
  }
  if ((file.get<std::uint16_t>(at + 8) & 1) != 0) {
    return file.unsupported("'" + entry.name + "' is encrypted");
  }
  const std::uint32_t mode = file.get<std::uint32_t>(at + 38) >> 16;
  if (file.get<std::uint8_t>(at + 5) == kMadeByUnix && (mode & kUnixFileType) == kUnixLink) {
    return file.unsupported("'" + entry.name + "' is a symbolic link");
  }
  VECMILL_TRY(
      apply_zip64(file, file.text(at + kDirectoryEntrySize + name_size, extra_size), entry));
  parsed.header = entry.offset;
  VECMILL_TRY(find_data(file, directory, entry));
  return parsed;
}

/// Overlapping entries are how an archive of some kilobytes unpacks to petabytes.
Status check_no_overlap(const Bytes& file, std::vector<Parsed>& parsed) {
  std::sort(parsed.begin(), parsed.end(),
            [](const Parsed& a, const Parsed& b) { return a.header < b.header; });
  std::uint64_t free_from = 0;
  for (const Parsed& p : parsed) {
    if (p.header < free_from) return file.bad("'" + p.entry.name + "' overlaps another file");
    free_from = p.entry.offset + p.entry.compressed;
  }
  return {};
}

}  // namespace

Result<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> bytes,
                                                 const std::string& where) {
  const Bytes file(bytes, where);
  VECMILL_ASSIGN(const Directory directory, find_directory(file));
  std::vector<Parsed> parsed;
  std::vector<ZipEntry> entries;
  std::unordered_set<std::string> seen;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    VECMILL_ASSIGN(Parsed one, parse_entry(file, directory, at));
    at = one.next;
    if (!seen.insert(one.entry.name).second) {
      return file.bad("'" + one.entry.name + "' appears twice");
    }
    if (!one.folder) entries.push_back(one.entry);
    parsed.push_back(std::move(one));
  }
  if (at != directory.offset + directory.size) return file.bad("its directory is broken");
  VECMILL_TRY(check_no_overlap(file, parsed));
  return entries;
}

}  // namespace vecmill::hub
