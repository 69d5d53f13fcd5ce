#include "vecmill/hub/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>

namespace vecmill::hub {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

constexpr std::uint16_t kStored = 0, kDeflate = 8;

template <class T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string deflated(const std::string& text) {
  std::string out(compressBound(text.size()), '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// One file of an archive, with everything in it open to change.
struct File {
  std::string name;
  std::string text;
  std::uint16_t method = kDeflate;
  std::uint16_t flags = 0;
  std::uint32_t mode = 0100644;
  bool zip64 = false;
  std::string local_name = {};  ///< where it differs
  std::optional<std::uint32_t> offset = {}, crc = {}, size = {};
};

/// Writes an archive as the tests want it, right or wrong.
std::string make_zip(const std::vector<File>& files, bool zip64_end = false) {
  std::string data;
  std::string directory;
  for (const File& file : files) {
    const std::string packed = file.method == kDeflate ? deflated(file.text) : file.text;
    const auto* bytes = reinterpret_cast<const Bytef*>(file.text.data());
    const auto crc = file.crc.value_or(
        static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(file.text.size()))));
    const auto size = file.size.value_or(static_cast<std::uint32_t>(file.text.size()));
    const auto packed_size = static_cast<std::uint32_t>(packed.size());
    const std::string numbers = little(crc) + little(packed_size) + little(size);
    const std::string numbers64 = little(crc) + little(~0u) + little(~0u);
    const std::string extra64 = little<std::uint16_t>(1) + little<std::uint16_t>(24) +
                                little<std::uint64_t>(size) + little<std::uint64_t>(packed_size) +
                                little<std::uint64_t>(data.size());
    const std::string extra = file.zip64 ? extra64 : "";
    const std::string& local = file.local_name.empty() ? file.name : file.local_name;
    const auto offset = file.offset.value_or(static_cast<std::uint32_t>(data.size()));
    data += "PK\3\4" + little<std::uint16_t>(20) + little(file.flags) + little(file.method) +
            "\0\0\0\0"s + numbers + little(static_cast<std::uint16_t>(local.size())) + "\0\0"s +
            local + packed;
    directory += "PK\1\2\x14\3"s + little<std::uint16_t>(20) + little(file.flags) +
                 little(file.method) + "\0\0\0\0"s + (file.zip64 ? numbers64 : numbers) +
                 little(static_cast<std::uint16_t>(file.name.size())) +
                 little(static_cast<std::uint16_t>(extra.size())) + "\0\0\0\0\0\0"s +
                 little(file.mode << 16) + (file.zip64 ? little(~0u) : little(offset)) + file.name +
                 extra;
  }
  const auto count = files.size();
  std::string end;
  if (zip64_end) {
    end = "PK\6\6" + little<std::uint64_t>(44) + little<std::uint32_t>(45) +
          little<std::uint64_t>(0) + little<std::uint64_t>(count) + little<std::uint64_t>(count) +
          little<std::uint64_t>(directory.size()) + little<std::uint64_t>(data.size()) + "PK\6\7" +
          little<std::uint32_t>(0) + little<std::uint64_t>(data.size() + directory.size()) +
          little<std::uint32_t>(1);
  }
  const auto count16 = zip64_end ? std::uint16_t{0xFFFF} : static_cast<std::uint16_t>(count);
  end += "PK\5\6\0\0\0\0"s + little(count16) + little(count16) +
         little(static_cast<std::uint32_t>(directory.size())) +
         little(static_cast<std::uint32_t>(data.size())) + "\0\0"s;
  return data + directory + end;
}

Result<std::vector<std::pair<std::string, std::string>>> unzip(const std::string& zip) {
  VECMILL_ASSIGN(const ZipReader reader, ZipReader::open(std::as_bytes(std::span(zip)), "a.zip"));
  std::vector<std::pair<std::string, std::string>> files;
  for (const ZipEntry& entry : reader.entries()) {
    VECMILL_ASSIGN(std::string text, reader.read(entry, 1 << 20));
    files.emplace_back(entry.name, std::move(text));
  }
  return files;
}

void expect_refused(const std::string& zip, ErrorKind kind, const std::string& message) {
  const auto result = unzip(zip);
  ASSERT_FALSE(result) << message;
  EXPECT_EQ(result.error().kind, kind) << message;
  EXPECT_THAT(result.error().to_string(), HasSubstr(message));
  EXPECT_EQ(result.error().where.substr(0, 5), "a.zip");
}

TEST(ZipTest, ReadsStoredAndDeflatedFilesOfAllSizes) {
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += std::to_string(i);
  for (const std::uint16_t method : {kStored, kDeflate}) {
    for (const bool zip64 : {false, true}) {
      const auto files = unzip(make_zip({{.name = "a/", .text = "", .method = kStored},
                                         {.name = "a/b", .text = "one", .method = method},
                                         {.name = "empty", .text = "", .method = method},
                                         {"große", large, method, 0, 0100644, zip64}},
                                        zip64));
      ASSERT_TRUE(files) << files.error().to_string();
      ASSERT_EQ(files->size(), 3u);
      EXPECT_EQ(files->at(0), std::pair("a/b"s, "one"s));
      EXPECT_EQ(files->at(1), std::pair("empty"s, ""s));
      EXPECT_EQ(files->at(2), std::pair("große"s, large));
    }
  }
}

TEST(ZipTest, ReadsBehindAComment) {
  std::string zip = make_zip({{"a", "one"}});
  zip.replace(zip.size() - 2, 2, little<std::uint16_t>(11) + "PK\5\6 fooled");
  const auto files = unzip(zip);
  ASSERT_TRUE(files) << files.error().to_string();
  EXPECT_EQ(files->size(), 1u);
}

TEST(ZipTest, RefusesNamesThatLeadElsewhere) {
  const std::string names[] = {"/etc/passwd", "../up", "a/../../up", "a//b", "./a",   "a/.", "..",
                               "a\\b",        "C:a",   "a\nb",       "\xff", "a\0b"s, "",    "/"};
  for (const std::string& name : names) {
    expect_refused(make_zip({{name, "x"}}), ErrorKind::kInvalidData, "leads out of the archive");
  }
  expect_refused(make_zip({{std::string(2000, 'a'), "x"}}), ErrorKind::kInvalidData, "leads out");
}

TEST(ZipTest, RefusesWhatAFileOfAModelIsNot) {
  expect_refused(make_zip({{.name = "a", .text = "/etc", .method = 0, .mode = 0120777}}),
                 ErrorKind::kUnsupported, "'a' is a symbolic link");
  expect_refused(make_zip({{.name = "a", .text = "x", .flags = 1}}), ErrorKind::kUnsupported,
                 "'a' is encrypted");
  expect_refused(make_zip({{.name = "a", .text = "x", .method = 12}}), ErrorKind::kUnsupported,
                 "packed with method 12");
}

TEST(ZipTest, RefusesDirectoriesThatLie) {
  const auto refused = [](const std::vector<File>& files, const char* message) {
    expect_refused(make_zip(files), ErrorKind::kInvalidData, message);
  };
  refused({{"a", "x"}, {"a", "y"}}, "'a' appears twice");
  refused({{"a", "x"}, {.name = "a", .text = "y", .offset = 0}}, "appears twice");
  refused({{.name = "a", .text = "x", .local_name = "b"}}, "another name in its own header");
  refused({{.name = "a", .text = "x", .offset = 7}}, "not where it should be");
  refused({{.name = "a", .text = "x", .offset = 1u << 31}}, "not where it should be");
  refused({{.name = "a", .text = "x", .crc = 1}}, "damaged");
  refused({{.name = "a", .text = "xyz", .size = 2}}, "damaged");
  refused({{.name = "a", .text = "xyz", .size = 4}}, "damaged");
  refused({{.name = "a", .text = "xyz", .method = kStored, .size = 4}}, "damaged");
  refused({{.name = "a", .text = "xyz", .size = 2u << 20}}, "is larger than the 1048576 bytes");
}

/// How 46 MB unpack to 4.5 PB: many entries over the same bytes.
TEST(ZipTest, RefusesFilesThatOverlap) {
  const std::string inner = make_zip({{"b", "inside"}});
  std::string zip = make_zip({{.name = "a", .text = inner, .method = kStored},
                              {.name = "b", .text = "inside", .offset = 31}});
  expect_refused(zip, ErrorKind::kInvalidData, "'b' overlaps another file");
}

TEST(ZipTest, RefusesEveryCutArchive) {
  const std::string zip =
      make_zip({{"a", "one"}, {.name = "b", .text = "two", .zip64 = true}}, true);
  ASSERT_TRUE(unzip(zip));
  for (std::size_t size = 0; size < zip.size(); ++size) {
    EXPECT_FALSE(unzip(zip.substr(0, size))) << size;
  }
}

TEST(ZipTest, SafeRelativePaths) {
  for (const char* good : {"a", "a/b", "1_Pooling/config.json", "..a", "a..", ".a", "é"}) {
    EXPECT_TRUE(is_safe_relative_path(good)) << good;
  }
  for (const char* bad :
       {"", "/", "/a", "a/", "a//b", "..", "a/..", "../a", ".", "a/./b", "a\tb"}) {
    EXPECT_FALSE(is_safe_relative_path(bad)) << bad;
  }
}

}  // namespace
}  // namespace vecmill::hub
