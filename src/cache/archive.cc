#include "vecmill/cache/archive.h"

#include <cstring>
#include <utility>
#include <vector>

#include "vecmill/base/file_system.h"
#include "vecmill/base/hash.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/base/private_file.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "VMCACHE1";
constexpr std::size_t kPiece = std::size_t{1} << 20;  ///< written and put at a time
constexpr std::size_t kMaxSample = 1024;

std::uint64_t next_in_chain(std::uint64_t chain, std::uint64_t sum) {
  const std::uint64_t both[] = {chain, sum};
  return checksum(std::as_bytes(std::span(both)));
}

template <class Number>
void append(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Takes a number off the front; false when there is not enough.
template <class Number>
bool take(std::string_view& bytes, Number& number) {
  if (bytes.size() < sizeof number) return false;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return true;
}

Error with_place(Error error, const fs::path& path) {
  error.where = path.string();
  return error;
}

}  // namespace

Result<ArchiveReader> ArchiveReader::open(std::string_view bytes, RowCodec& codec) {
  std::uint32_t size = 0;
  if (!bytes.starts_with(kMagic)) {
    return make_error(ErrorKind::kInvalidData, "is not an archive of a cache");
  }
  bytes.remove_prefix(kMagic.size());
  if (!take(bytes, size) || size > kMaxSample || size > bytes.size()) {
    return make_error(ErrorKind::kInvalidData, "the archive is damaged in its first bytes");
  }
  if (!codec.reads(bytes.substr(0, size))) {
    return make_error(ErrorKind::kAuth, "the archive is encrypted in another way than the cache",
                      {}, "use a cache file with the key that it was made with");
  }
  return ArchiveReader(bytes.substr(size), codec);
}

Error ArchiveReader::damaged(const std::string& what) const {
  return make_error(ErrorKind::kInvalidData,
                    "row " + std::to_string(rows_ + 1) + " of the archive " + what);
}

Result<std::optional<ArchiveReader::Entry>> ArchiveReader::next() {
  const std::string_view start = rest_;
  std::uint32_t size = 0;
  std::int64_t made = 0;
  std::uint64_t sum = 0;
  if (!take(rest_, size)) return damaged("is missing; the file was cut");
  if (size == 0) return finish();
  if (!take(rest_, made) || size > rest_.size()) return damaged("is cut or damaged");
  const std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  const std::string_view summed = start.substr(0, start.size() - rest_.size());
  if (!take(rest_, sum) || sum != checksum(summed)) return damaged("is cut or damaged");
  auto row = codec_->decode(bytes);
  if (!row || !keepable(row->value)) return damaged("is damaged");
  if (row->store != codec_->store()) {
    return make_error(ErrorKind::kMismatch,
                      std::string("the archive keeps numbers in ") +
                          (row->store == Store::kF16 ? "f16" : "f32") + ", the cache in " +
                          (codec_->store() == Store::kF16 ? "f16" : "f32"),
                      {}, "import it into a cache that keeps numbers as the archive does");
  }
  ++rows_;
  chain_ = next_in_chain(chain_, sum);
  return std::optional(Entry{std::move(*row), Time(std::chrono::seconds(made))});
}

Result<std::optional<ArchiveReader::Entry>> ArchiveReader::finish() {
  std::uint64_t rows = 0;
  std::uint64_t chain = 0;
  if (!take(rest_, rows) || !take(rest_, chain) || !rest_.empty() || rows != rows_ ||
      chain != chain_) {
    return make_error(ErrorKind::kInvalidData, "the archive lacks rows or is damaged at its end");
  }
  return std::optional<Entry>();
}

Result<std::uint64_t> export_archive(SqliteLevel& level, const fs::path& path) {
  VECMILL_ASSIGN(RowCodec codec, level.codec());
  const fs::path part = path.string() + ".tmp";
  VECMILL_TRY(make_private_file(part));
  VECMILL_ASSIGN(auto file, real_files().create(part));
  const std::string sample = codec.sample();
  std::string out(kMagic);
  append(out, static_cast<std::uint32_t>(sample.size()));
  out += sample;
  std::uint64_t rows = 0;
  std::uint64_t chain = 0;
  std::string bytes;
  const auto write_row = [&](const RowCodec::Row& row, Time made) -> Status {
    if (row.store != codec.store()) return {};  // a miss in this cache, too
    codec.encode({row.key, &row.value, made}, bytes);
    const std::size_t start = out.size();
    append(out, static_cast<std::uint32_t>(bytes.size()));
    append(out, std::int64_t{made.time_since_epoch().count()});
    out += bytes;
    const std::uint64_t sum = checksum(std::string_view(out).substr(start));
    append(out, sum);
    chain = next_in_chain(chain, sum);
    ++rows;
    if (out.size() < kPiece) return {};
    VECMILL_TRY(file->append(out));
    out.clear();
    return {};
  };
  VECMILL_TRY(level.scan(write_row));
  append(out, std::uint32_t{0});
  append(out, rows);
  append(out, chain);
  VECMILL_TRY(file->append(out));
  VECMILL_TRY(file->sync());
  VECMILL_TRY(real_files().rename(part, path));
  VECMILL_TRY(real_files().sync_dir(folder_of(path)));
  return rows;
}

namespace {

/// Gives each row of the archive to `use`; stops at the first error.
template <class Use>
Status read_archive(std::string_view bytes, RowCodec& codec, Use use) {
  VECMILL_ASSIGN(ArchiveReader reader, ArchiveReader::open(bytes, codec));
  for (;;) {
    VECMILL_ASSIGN(auto entry, reader.next());
    if (!entry) return {};
    VECMILL_TRY(use(std::move(*entry)));
  }
}

Status put(SqliteLevel& level, std::vector<ArchiveReader::Entry>& entries, Time now) {
  std::vector<Item> items;
  items.reserve(entries.size());
  for (const auto& entry : entries) {
    items.push_back({entry.row.key, &entry.row.value, entry.made});
  }
  Status done = level.put_many(items, now);
  entries.clear();
  return done;
}

}  // namespace

Result<std::uint64_t> import_archive(SqliteLevel& level, const fs::path& path, Time now) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(path));
  VECMILL_ASSIGN(RowCodec codec, level.codec());
  const Status whole = read_archive(file.text(), codec, [](auto&&) { return Status(); });
  if (!whole) return with_place(whole.error(), path);
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::vector<ArchiveReader::Entry> entries;
  const auto put_row = [&](ArchiveReader::Entry entry) -> Status {
    ++rows;
    bytes += entry.row.value.vector.size() * sizeof(float);
    entries.push_back(std::move(entry));
    if (bytes < kPiece) return {};
    bytes = 0;
    return put(level, entries, now);
  };
  VECMILL_TRY(read_archive(file.text(), codec, put_row));
  VECMILL_TRY(put(level, entries, now));
  return rows;
}

}  // namespace vecmill::cache
