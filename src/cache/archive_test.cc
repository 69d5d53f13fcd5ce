#include "vecmill/cache/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class ArchiveTest : public TestFolder {
 protected:
  std::unique_ptr<SqliteLevel> level(const std::string& name, Store store = Store::kF32,
                                     const std::string& key = {}) {
    return std::move(
        SqliteLevel::open(
            {.path = folder_ / name, .ttl = seconds(1000), .store = store, .encryption_key = key})
            .value());
  }

  /// An archive of `rows` vectors; its bytes.
  std::string archive(int rows, Store store = Store::kF32, const std::string& key = {}) {
    const auto from = level("from.db", store, key);
    EXPECT_TRUE(put(*from, 0, rows, kStart, 8));
    EXPECT_EQ(export_archive(*from, archive_).value(), static_cast<std::uint64_t>(rows));
    return content(archive_);
  }

  Result<std::uint64_t> import(SqliteLevel& to, const std::string& bytes) {
    std::ofstream(archive_, std::ios::binary) << bytes;
    return import_archive(to, archive_, kStart);
  }

  const std::filesystem::path archive_ = folder_ / "archive.vmc";
};

TEST_F(ArchiveTest, AllRowsComeBackWithTheirAge) {
  for (const Store store : {Store::kF32, Store::kF16}) {
    for (const std::string& key : {std::string(), std::string(32, 'k')}) {
      const std::string bytes = archive(1000, store, key);
      const auto to = level("to.db", store, key);
      EXPECT_EQ(import_archive(*to, archive_, kStart + seconds(500)).value(), 1000u);
      EXPECT_EQ(found(*to, 0, 1100, kStart + seconds(999), 8), range(0, 1000));
      EXPECT_EQ(found(*to, 0, 1100, kStart + seconds(1000), 8), range(0, 0)) << "expired";
      for (const char* name : {"from.db", "to.db"}) std::filesystem::remove(folder_ / name);
    }
  }
}

TEST_F(ArchiveTest, AnEmptyCacheAndOneOfItself) {
  archive(0);
  const auto to = level("to.db");
  EXPECT_EQ(import_archive(*to, archive_, kStart).value(), 0u);
  ASSERT_TRUE(put(*to, 0, 10, kStart, 8));
  ASSERT_TRUE(export_archive(*to, archive_));
  EXPECT_EQ(import_archive(*to, archive_, kStart).value(), 10u);
  EXPECT_EQ(to->stats().rows, 10u);
}

TEST_F(ArchiveTest, AnyFlippedByteOrCutIsRefusedAndNothingIsPut) {
  const std::string whole = archive(3);
  const auto to = level("to.db");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    const auto flipped = import(*to, bytes);
    ASSERT_FALSE(flipped) << at;
    EXPECT_THAT(flipped.error().to_string(), HasSubstr(archive_.string()));
    ASSERT_FALSE(import(*to, whole.substr(0, at))) << at;
  }
  ASSERT_FALSE(import(*to, whole + "x"));
  EXPECT_EQ(to->stats().rows, 0u);
}

TEST_F(ArchiveTest, RowsThatAreMissingOrTwiceAreNoticed) {
  const std::string whole = archive(3);
  const std::size_t head = whole.find("vecmill cache") + 13;
  const std::size_t row = (whole.size() - head - 20) / 3;
  const auto to = level("to.db");
  std::string less = whole;
  less.erase(head, row);
  EXPECT_THAT(import(*to, less).error().to_string(), HasSubstr("lacks rows"));
  std::string swapped = whole;
  std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(head),
                   swapped.begin() + static_cast<std::ptrdiff_t>(head + row),
                   swapped.begin() + static_cast<std::ptrdiff_t>(head + row));
  EXPECT_THAT(import(*to, swapped).error().to_string(), HasSubstr("damaged at its end"));
  EXPECT_EQ(import(*to, whole).value(), 3u);
}

TEST_F(ArchiveTest, AnotherKeyOrStoreIsRefused) {
  const std::string plain = archive(3);
  const auto sealed = level("sealed.db", Store::kF32, std::string(32, 'k'));
  EXPECT_EQ(import(*sealed, plain).error().kind, ErrorKind::kAuth);
  const auto half = level("half.db", Store::kF16);
  EXPECT_THAT(import(*half, plain).error().to_string(),
              HasSubstr("the archive keeps numbers in f32, the cache in f16"));
  EXPECT_THAT(import(*half, "other").error().to_string(), HasSubstr("is not an archive"));
  EXPECT_EQ(import_archive(*half, folder_ / "none", kStart).error().kind, ErrorKind::kNotFound);
}

TEST_F(ArchiveTest, TheFileIsForTheOwnerOnlyAndSealedLikeTheCache) {
  const std::string bytes = archive(1, Store::kF32, std::string(32, 'k'));
  struct stat info {};
  ASSERT_EQ(::stat(archive_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const Embedding value = value_of(0, 8);
  EXPECT_EQ(bytes.find(reinterpret_cast<const char*>(value.vector.data()), 0, 8),
            std::string::npos);
}

}  // namespace
}  // namespace vecmill::cache
