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

TEST(MappedFileTest, PiecesAreTheFileAndWhatIsForgottenIsReadAgain) {
  std::string content(20'000'001, 'x');
  for (std::size_t i = 0; i < content.size(); i += 4099) content[i] = static_cast<char>(i % 251);
  const auto file = MappedFile::open(file_with(content));
  ASSERT_TRUE(file);
  std::string seen;
  const auto keep = [&](std::span<const std::byte> piece) -> Status {
    seen.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  };
  ASSERT_TRUE(file->in_pieces(keep));
  EXPECT_TRUE(seen == content);
  EXPECT_TRUE(file->text() == content);
  file->forget(file->bytes().subspan(4097, 12345));
  EXPECT_TRUE(file->text() == content);
}

TEST(MappedFileTest, PiecesStopAtTheFirstError) {
  const auto file = MappedFile::open(file_with(std::string(20'000'000, 'x')));
  int calls = 0;
  const Status status = file->in_pieces([&](std::span<const std::byte>) -> Status {
    ++calls;
    return make_error(ErrorKind::kIo, "full");
  });
  EXPECT_FALSE(status);
  EXPECT_EQ(calls, 1);
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
