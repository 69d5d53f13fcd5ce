#include "vecmill/encode/packed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <numeric>

#include "vecmill/encode/packed_writer.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;

class PackedFileTest : public testing::Test {
 protected:
  PackedFileTest() {
    std::string name = (fs::temp_directory_path() / "packed_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "m.vecmill";
    std::iota(long_.begin(), long_.end(), 1.0f);
  }
  ~PackedFileTest() override { fs::remove_all(folder_); }

  Status write() {
    VECMILL_ASSIGN(PackedWriter writer, PackedWriter::create(path_));
    VECMILL_TRY(writer.add("short", short_));
    VECMILL_TRY(writer.add("long", long_));
    return writer.finish({{"config.json", "{}"}}, {{"model.safetensors", 7, "abc"}},
                         {{"sparse", {1, {"sparse_linear.safetensors", 5, "def"}}}});
  }

  void flip(std::uint64_t at) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 4));
  }

  fs::path folder_, path_;
  std::vector<float> short_ = {1, 2, 3};
  std::vector<float> long_ = std::vector<float>(3 * kPackedBlock / sizeof(float) + 5);
};

TEST_F(PackedFileTest, GivesBackWhatWasWritten) {
  ASSERT_TRUE(write());
  const auto file = PackedFile::open(path_);
  ASSERT_TRUE(file) << file.error().to_string();
  const auto first = file->tensor("short", 3);
  const auto second = file->tensor("long", long_.size());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(*second) % 64, 0u);
  EXPECT_EQ(std::memcmp(*first, short_.data(), 12), 0);
  EXPECT_EQ(std::memcmp(*second, long_.data(), long_.size() * sizeof(float)), 0);
  EXPECT_EQ(file->meta().configs.at("config.json"), "{}");
  EXPECT_EQ(file->meta().weights.at(0).sha256, "abc");
  EXPECT_EQ(file->meta().heads.at("sparse").dims, 1u);
  EXPECT_EQ(file->meta().heads.at("sparse").source.sha256, "def");
  EXPECT_TRUE(file->verify_all());
  EXPECT_FALSE(file->tensor("long", 4));
  EXPECT_FALSE(file->tensor("none", 4));
}

TEST_F(PackedFileTest, NothingIsLeftWithoutFinish) {
  {
    auto writer = PackedWriter::create(path_);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add("long", long_));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PackedFileTest, AFolderThatIsNotThereIsAnError) {
  const auto writer = PackedWriter::create(folder_ / "none" / "m.vecmill");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().kind, ErrorKind::kIo);
}

TEST_F(PackedFileTest, EveryCutIsRefused) {
  ASSERT_TRUE(write());
  for (auto size = fs::file_size(path_); size > 0; size -= std::min<std::uintmax_t>(size, 997)) {
    fs::resize_file(path_, size - 1);
    ASSERT_FALSE(PackedFile::open(path_)) << size - 1;
  }
}

TEST_F(PackedFileTest, EveryFlippedBitOfHeaderAndTablesIsRefused) {
  ASSERT_TRUE(write());
  const std::uint64_t size = fs::file_size(path_);
  const std::uint64_t tables = kPackedHeader + 4 * kPackedBlock;
  ASSERT_LT(tables, size);
  const auto refused = [&](std::uint64_t at) {
    flip(at);
    const bool opened = PackedFile::open(path_).has_value();
    flip(at);
    return !opened;
  };
  for (std::uint64_t at = 0; at < sizeof(PackedHeader); ++at) EXPECT_TRUE(refused(at)) << at;
  for (std::uint64_t at = tables; at < size; ++at) EXPECT_TRUE(refused(at)) << at;
  EXPECT_TRUE(PackedFile::open(path_));
}

TEST_F(PackedFileTest, AFlippedBitOfATensorIsFoundWhenItIsUsed) {
  ASSERT_TRUE(write());
  for (const std::uint64_t block : {0, 1, 3}) {
    flip(kPackedHeader + block * kPackedBlock + 700);
    const auto file = PackedFile::open(path_);
    ASSERT_TRUE(file);
    const auto tensor = file->tensor("long", long_.size());
    ASSERT_FALSE(tensor);
    EXPECT_THAT(tensor.error().message, testing::HasSubstr("block " + std::to_string(block)));
    EXPECT_THAT(tensor.error().hint, testing::HasSubstr("vecmill import"));
    EXPECT_FALSE(file->verify_all());
    flip(kPackedHeader + block * kPackedBlock + 700);
  }
}

TEST_F(PackedFileTest, OnlyTheBlocksUnderTheRowsAreVerified) {
  ASSERT_TRUE(write());
  flip(kPackedHeader + 3 * kPackedBlock);
  const auto file = PackedFile::open(path_);
  ASSERT_TRUE(file);
  const auto words = file->unverified_tensor("long", long_.size());
  ASSERT_TRUE(words);
  EXPECT_TRUE(file->verify(*words, 2000 * sizeof(float)));
  EXPECT_FALSE(file->verify(*words + long_.size() - 10, 10 * sizeof(float)));
}

TEST_F(PackedFileTest, AnotherVersionSaysHowToRepack) {
  ASSERT_TRUE(write());
  flip(8);
  const auto file = PackedFile::open(path_);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(file.error().to_string(),
              testing::HasSubstr("packed format " + std::to_string(kPackedVersion ^ 4)));
  EXPECT_THAT(file.error().hint, testing::HasSubstr("vecmill import"));
}

TEST(PackedMetaTest, RefusesBadDescriptions) {
  const char* cases[] = {
      "",
      "[]",
      "{}",
      R"({"tensors":{},"configs":{}})",
      R"({"tensors":[],"configs":{},"weights":[],"heads":{}})",
      R"({"tensors":{"a":[1,2]},"configs":{},"weights":[],"heads":{}})",
      R"({"tensors":{"a":[64,1]},"configs":{},"weights":[],"heads":{}})",
      R"({"tensors":{"a":[0,17]},"configs":{},"weights":[],"heads":{}})",
      R"({"tensors":{"a":[0,18446744073709551615]},"configs":{},"weights":[],"heads":{}})",
      R"({"tensors":{"a":[-64,1]},"configs":{},"weights":[],"heads":{}})",
      R"({"tensors":{},"configs":{"x":1},"weights":[],"heads":{}})",
      R"({"tensors":{},"configs":{},"weights":[{"name":"a"}],"heads":{}})",
      R"({"tensors":{},"configs":{},"weights":[]})",
      R"({"tensors":{},"configs":{},"weights":[],"heads":{"sparse":{"dims":1}}})",
      (R"({"tensors":{},"configs":{},"weights":[],"heads":{"sparse":)"
       R"({"dims":0,"name":"a","bytes":1,"sha256":"b"}}})")};
  for (const char* text : cases) EXPECT_FALSE(parse_meta(text, 64, "p")) << text;
  const auto good =
      parse_meta(R"({"tensors":{"a":[0,16]},"configs":{},"weights":[],"heads":{}})", 64, "p");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->tensors.at("a").floats, 16u);
}

}  // namespace
}  // namespace vecmill::encode
