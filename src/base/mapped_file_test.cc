#include "vecmill/base/mapped_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace vecmill {
namespace {

std::filesystem::path file_with(const std::string& content) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "mapped_file_test";
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(MappedFileTest, HoldsTheWholeFile) {
  const std::string content("a\0b\n", 4);
  const auto file = MappedFile::open(file_with(content));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text(), content);
}

TEST(MappedFileTest, AnEmptyFileIsEmpty) {
  const auto file = MappedFile::open(file_with(""));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes().size(), 0u);
}

TEST(MappedFileTest, MovesItsBytes) {
  auto first = MappedFile::open(file_with("abc"));
  ASSERT_TRUE(first);
  MappedFile second = std::move(*first);
  MappedFile third;
  third = std::move(second);
  EXPECT_EQ(third.text(), "abc");
}

TEST(MappedFileTest, ErrorsNameThePath) {
  const auto missing = MappedFile::open("/no/such/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(missing.error().where, "/no/such/file");
  const auto folder = MappedFile::open(::testing::TempDir());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().kind, ErrorKind::kIo);
}

TEST(ReadFileTest, RefusesWhatIsLargerThanTheLimit) {
  const auto path = file_with("12345");
  EXPECT_EQ(read_file(path, 5).value(), "12345");
  const auto refused = read_file(path, 4);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalidData);
}

}  // namespace
}  // namespace vecmill
