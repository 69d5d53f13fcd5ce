#include "vecmill/base/private_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace vecmill {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PrivateFileTest : public testing::Test {
 protected:
  PrivateFileTest() { fs::create_directories(folder_); }
  ~PrivateFileTest() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path write(const std::string& name, const std::string& text,
                               unsigned mode = 0600) const {
    const fs::path path = folder_ / name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  static void expect_refused(const fs::path& path, const std::string& what) {
    const Status made = make_private_file(path);
    const auto read = read_private_file(path, "it opens doors");
    ASSERT_FALSE(made) << path;
    ASSERT_FALSE(read) << path;
    for (const Error& error : {made.error(), read.error()}) {
      EXPECT_EQ(error.kind, ErrorKind::kIo);
      EXPECT_THAT(error.to_string(), HasSubstr(path.string() + ": " + what));
    }
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("private-" + std::to_string(getpid()));
};

TEST_F(PrivateFileTest, IsMadeForNobodyElse) {
  const fs::path path = folder_ / "secret";
  const mode_t before = ::umask(0);
  ASSERT_TRUE(make_private_file(path));
  ::umask(before);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::file_size(path), 0u);
}

TEST_F(PrivateFileTest, WhatIsThereStaysAsItIs) {
  const fs::path path = write("secret", "open sesame");
  ASSERT_TRUE(make_private_file(path));
  EXPECT_EQ(read_private_file(path, ""), "open sesame");
}

TEST_F(PrivateFileTest, RefusesWhatOthersCanReach) {
  for (const unsigned mode : {0640u, 0620u, 0604u, 0602u}) {
    const fs::path path = write("open", "x", mode);
    expect_refused(path, "others may read or write it");
    EXPECT_THAT(read_private_file(path, "it opens doors").error().to_string(),
                HasSubstr("it opens doors; chmod 600"));
  }
  fs::create_directory(folder_ / "folder");
  expect_refused(folder_ / "folder", "is not a file");
  fs::create_symlink(write("secret", "x"), folder_ / "link");
  expect_refused(folder_ / "link", "is a link");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  expect_refused(folder_ / "pipe", "is not a file");
}

TEST_F(PrivateFileTest, RefusesAnothersFile) {
  const fs::path path = write("theirs", "x");
  if (::chown(path.c_str(), ::geteuid() + 1, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "may not give a file away here";
  }
  expect_refused(path, "belongs to another user");
}

TEST_F(PrivateFileTest, ReadsUpToFourKibibytes) {
  EXPECT_EQ(read_private_file(write("full", std::string(4096, 'x')), "")->size(), 4096u);
  const auto large = read_private_file(write("large", std::string(4097, 'x')), "");
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().to_string(), HasSubstr("is too large"));
  EXPECT_EQ(read_private_file(folder_ / "none", "").error().kind, ErrorKind::kNotFound);
}

TEST_F(PrivateFileTest, ALockIsSharedOrHeldAlone) {
  const fs::path path = folder_ / "lock";
  auto one = SharedLock::take(path);
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->try_alone());
  one->share();
  {
    const auto two = SharedLock::take(path);
    ASSERT_TRUE(two);
    EXPECT_FALSE(one->try_alone());
    EXPECT_FALSE(two->try_alone());
  }
  EXPECT_TRUE(one->try_alone()) << "the other is gone";
}

}  // namespace
}  // namespace vecmill
