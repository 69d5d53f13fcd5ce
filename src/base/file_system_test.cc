#include "vecmill/base/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace vecmill {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::path(testing::TempDir()) / ("file-system-" + std::to_string(getpid()));
  FileSystem& files_ = real_files();
};

TEST_F(FileSystemTest, WritesAtTheEndAndInPlace) {
  const fs::path path = folder_ / "a";
  const auto file = files_.create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append("hello "));
  ASSERT_TRUE((*file)->append("there"));
  ASSERT_TRUE((*file)->write_at(0, "J"));
  ASSERT_TRUE((*file)->append("!"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ(*files_.read(path), "Jello there!");
}

TEST_F(FileSystemTest, CreatingEmptiesWhatWasThere) {
  ASSERT_TRUE(atomic_write(files_, folder_ / "a", "old"));
  ASSERT_TRUE(files_.create(folder_ / "a"));
  EXPECT_EQ(*files_.read(folder_ / "a"), "");
}

TEST_F(FileSystemTest, ReopeningCutsAndGoesOnBehindTheCut) {
  const fs::path path = folder_ / "a";
  ASSERT_TRUE(atomic_write(files_, path, "0123456789"));
  const auto file = files_.reopen(path, 4);
  ASSERT_TRUE(file);
  EXPECT_EQ(*files_.read(path), "0123");
  ASSERT_TRUE((*file)->append("x"));
  EXPECT_EQ(*files_.read(path), "0123x");
}

TEST_F(FileSystemTest, ReopeningAFileThatIsTooShortChangesNothing) {
  const fs::path path = folder_ / "a";
  ASSERT_TRUE(atomic_write(files_, path, "0123"));
  const auto file = files_.reopen(path, 5);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ErrorKind::kInvalidData);
  EXPECT_THAT(file.error().to_string(), HasSubstr("has 4 bytes, 5 were written"));
  EXPECT_EQ(*files_.read(path), "0123");
}

TEST_F(FileSystemTest, AtomicWriteReplacesAndLeavesNothingElse) {
  for (const char* content : {"one", "two"}) {
    ASSERT_TRUE(atomic_write(files_, folder_ / "a", content));
    EXPECT_EQ(*files_.read(folder_ / "a"), content);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FileSystemTest, NamesCanBeChangedAndRemoved) {
  ASSERT_TRUE(atomic_write(files_, folder_ / "a", "x"));
  ASSERT_TRUE(files_.rename(folder_ / "a", folder_ / "b"));
  EXPECT_FALSE(*files_.exists(folder_ / "a"));
  EXPECT_TRUE(*files_.exists(folder_ / "b"));
  ASSERT_TRUE(files_.remove(folder_ / "b"));
  EXPECT_FALSE(*files_.exists(folder_ / "b"));
  EXPECT_TRUE(files_.remove(folder_ / "b"));
  EXPECT_FALSE(*files_.exists(folder_ / "no" / "b"));
}

TEST_F(FileSystemTest, WhatIsNotThereIsNotFoundAndNamed) {
  const fs::path missing = folder_ / "no" / "a";
  const std::pair<const char*, Status> cases[] = {
      {"create", files_.create(missing).map([](auto&&) {})},
      {"reopen", files_.reopen(missing, 0).map([](auto&&) {})},
      {"read", files_.read(missing).map([](auto&&) {})},
      {"rename", files_.rename(missing, folder_ / "b")},
      {"sync_dir", files_.sync_dir(missing)},
      {"lock", files_.lock(missing).map([](auto&&) {})},
  };
  for (const auto& [what, status] : cases) {
    ASSERT_FALSE(status) << what;
    EXPECT_EQ(status.error().kind, ErrorKind::kNotFound) << what;
    EXPECT_THAT(status.error().where, HasSubstr("no")) << what;
  }
}

TEST_F(FileSystemTest, AFolderIsNotAFile) {
  EXPECT_EQ(files_.create(folder_).error().kind, ErrorKind::kIo);
  EXPECT_EQ(files_.remove(folder_).error().kind, ErrorKind::kIo);
  EXPECT_EQ(files_.exists(folder_ / std::string(300, 'x')).error().kind, ErrorKind::kIo);
}

TEST_F(FileSystemTest, AFolderThatMayNotBeWrittenSaysTheWayOut) {
  if (mount("tmpfs", folder_.c_str(), "tmpfs", MS_RDONLY, "size=1m") != 0) {
    GTEST_SKIP() << "only root may mount the read-only folder that this needs";
  }
  const auto file = files_.create(folder_ / "a");
  umount(folder_.c_str());
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ErrorKind::kIo);
  EXPECT_THAT(file.error().hint, HasSubstr("that you may write to"));
}

TEST_F(FileSystemTest, AFullDiskSaysTheWayOut) {
  if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "only root may mount the small disk that this needs";
  }
  Status status;
  {
    const auto file = files_.create(folder_ / "a");
    if (file) status = (*file)->append(std::string(200'000, 'x'));
  }
  umount(folder_.c_str());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kIo);
  EXPECT_THAT(status.error().hint, HasSubstr("free some space"));
}

TEST_F(FileSystemTest, ALockKeepsTheSecondOutAndGoesAway) {
  const fs::path path = folder_ / "lock";
  {
    const auto first = files_.lock(path);
    ASSERT_TRUE(first);
    const auto second = files_.lock(path);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("another run"));
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(files_.lock(path));
}

TEST(FolderOfTest, ABareNameIsInTheCurrentFolder) {
  EXPECT_EQ(folder_of("a"), ".");
  EXPECT_EQ(folder_of("x/a"), "x");
  EXPECT_EQ(folder_of("/a"), "/");
}

}  // namespace
}  // namespace vecmill
