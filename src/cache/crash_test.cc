#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>

#include "vecmill/cache/sqlite_level.h"
#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr const char* kPath = "VECMILL_CACHE_TEST_PATH";
constexpr std::uint32_t kDims = 1024;
constexpr int kRows = 50;  ///< in each batch

Result<std::unique_ptr<SqliteLevel>> open(const fs::path& path) {
  return SqliteLevel::open({.path = path, .max_bytes = 16 << 20, .ttl = seconds(0)});
}

bool is_deep() { return std::getenv("VECMILL_TEST_DEEP") != nullptr; }

unsigned seed() {
  const char* text = std::getenv("VECMILL_TEST_SEED");
  return text != nullptr ? static_cast<unsigned>(std::atoi(text)) : 1;
}

class CrashTest : public TestFolder {
 protected:
  /// Writes batch after batch in a child and tells each that is kept through a pipe; the child is
  /// killed once it has told of `batches`. Returns how many it told of.
  int write_and_kill(int batches) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto level = open(path_);
      if (!level) _exit(1);
      for (char n = 0;; ++n) {
        if (!put(**level, kRows * n, kRows * (n + 1), kStart, kDims)) _exit(1);
        if (::write(ends[1], &n, 1) != 1) _exit(1);
      }
    }
    ::close(ends[1]);
    int told = 0;
    char n = 0;
    while (told < batches && ::read(ends[0], &n, 1) == 1) ++told;
    ::kill(child, SIGKILL);
    while (::read(ends[0], &n, 1) == 1) ++told;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "died by itself";
    return told;
  }
};

TEST_F(CrashTest, WhatWasKeptBeforeAKillIsThereAfterIt) {
  const int kills = is_deep() ? 300 : 6;
  std::mt19937 random(seed());
  for (int kill = 0; kill < kills; ++kill) {
    const int told = write_and_kill(1 + static_cast<int>(random() % 20));
    const int rows = kRows * std::min(told, 30);  // more would not all fit
    const auto level = open(path_);
    ASSERT_TRUE(level) << level.error().to_string();
    EXPECT_EQ((*level)->stats().set_aside, 0u);
    ASSERT_EQ(found(**level, 0, rows, kStart, kDims), range(0, rows)) << told;
    ASSERT_TRUE((*level)->verify().value().dropped == 0);
    ASSERT_TRUE((*level)->clear());
  }
}

/// What a child does that a failpoint kills.
TEST(CrashChild, DISABLED_Writes) {
  const auto level = open(std::getenv(kPath));
  ASSERT_TRUE(level);
  for (int n = 0; n < 10; ++n) {
    ASSERT_TRUE(put(**level, kRows * n, kRows * (n + 1), kStart, kDims));
  }
}

int run_child(const std::string& failpoint, const fs::path& path) {
  const std::string command = "VECMILL_FAILPOINT=" + failpoint + " " + kPath + "=" + path.string() +
                              " /proc/" + std::to_string(getpid()) +
                              "/exe --gtest_also_run_disabled_tests"
                              " --gtest_filter=CrashChild.* > /dev/null";
  return WEXITSTATUS(std::system(command.c_str()));
}

TEST_F(CrashTest, AKillAroundACommitKeepsWholeBatches) {
  for (const int count : {1, 4, 10}) {
    for (const bool committed : {false, true}) {
      const std::string name = committed ? "cache.commit:" : "cache.put:";
      ASSERT_EQ(run_child(name + std::to_string(count), path_), 137);
      const auto level = open(path_);
      ASSERT_TRUE(level);
      const int rows = kRows * (committed ? count : count - 1);
      EXPECT_EQ(found(**level, 0, 10 * kRows, kStart, kDims), range(0, rows));
      ASSERT_TRUE((*level)->clear());
    }
  }
}

/// Breaks all pages but the first.
void overwrite_pages(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string ones(fs::file_size(path) - kPageBytes, '\xFF');
  file.seekp(kPageBytes);
  file.write(ones.data(), static_cast<std::streamsize>(ones.size()));
}

TEST_F(CrashTest, AKillWhileADamagedFileIsSetAsideIsMadeGood) {
  {
    const auto level = open(path_);
    ASSERT_TRUE(level && put(**level, 0, 1000, kStart, kDims));
  }
  ASSERT_EQ(run_child("cache.commit:1", path_), 137);  // leaves a log, which has the first page
  overwrite_pages(path_);
  ASSERT_EQ(run_child("cache.set_aside:1", path_), 137);
  const auto level = open(path_);
  ASSERT_TRUE(level) << level.error().to_string();
  EXPECT_EQ((*level)->stats().rows, 0u);
  ASSERT_TRUE(put(**level, 0, 10, kStart, kDims));
  EXPECT_EQ(found(**level, 0, 10, kStart, kDims), range(0, 10));
}

TEST_F(CrashTest, TheLogOfADamagedFileIsNotPlayedIntoTheNextOne) {
  ASSERT_EQ(run_child("cache.commit:3", path_), 137);
  fs::remove(path_);
  const auto level = open(path_);
  ASSERT_TRUE(level) << level.error().to_string();
  EXPECT_EQ(found(**level, 0, 10 * kRows, kStart, kDims), range(0, 0));
}

class DamageTest : public TestFolder {
 protected:
  DamageTest() {
    const auto level = open(path_);
    EXPECT_TRUE(level && put(**level, 0, 200, kStart, 64));
    EXPECT_TRUE((*level)->compact());
  }

  /// Whatever is damaged: it opens, and no answer is another text's or another vector.
  void expect_only_right_answers(const std::string& bytes, const std::string& what) {
    std::ofstream(path_, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    fs::remove(path_.string() + "-wal");
    fs::remove(path_.string() + "-shm");
    const auto level = open(path_);
    if (!level) {  // damage to the very numbers that tell version and program
      EXPECT_EQ(level.error().kind, ErrorKind::kUnsupported) << what;
      return;
    }
    ASSERT_TRUE(found(**level, 0, 200, kStart, 64)) << what;
    ASSERT_TRUE(put(**level, 200, 210, kStart, 64)) << what;
    ASSERT_TRUE((*level)->clean(10, kStart)) << what;
    ASSERT_TRUE((*level)->verify()) << what;
    ASSERT_TRUE(put(**level, 0, 10, kStart, 64)) << what;
    EXPECT_EQ(found(**level, 0, 10, kStart, 64), range(0, 10)) << what;
  }
};

TEST_F(DamageTest, AFlippedByteAnywhereInTheFile) {
  const std::string whole = content(path_);
  std::mt19937 random(seed());
  for (int n = 0; n < (is_deep() ? 20'000 : 90); ++n) {
    std::string bytes = whole;
    const std::size_t at = n < 60 ? static_cast<std::size_t>(n) : random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
    expect_only_right_answers(bytes, "byte " + std::to_string(at));
    if (HasFatalFailure()) return;
  }
}

TEST_F(DamageTest, AFileCutAnywhere) {
  const std::string whole = content(path_);
  for (std::size_t size = 1; size < whole.size(); size += 1731) {
    expect_only_right_answers(whole.substr(0, size), std::to_string(size) + " bytes");
    if (HasFatalFailure()) return;
  }
}

TEST_F(DamageTest, AFileThatIsNoneIsSetAsideOnce) {
  for (const char* text : {"first, and long enough to be looked at as a header", "second"}) {
    expect_only_right_answers(text, text);
    EXPECT_EQ(content(path_.string() + ".corrupt"), text);
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) files += entry.is_regular_file();
  EXPECT_LE(files, 3) << "cache, lock and what was set aside last";
}

TEST_F(DamageTest, AFileThatWasNeverACacheStays) {
  const std::string other_program = "SQLite format 3" + std::string(100, '\0');
  for (const std::string& text :
       {std::string("x"), std::string("dear to somebody"), other_program}) {
    const fs::path mine = folder_ / "mine";
    std::ofstream(mine) << text;
    fs::permissions(mine, fs::perms::owner_read | fs::perms::owner_write);
    const auto level = open(mine);
    ASSERT_FALSE(level) << text;
    EXPECT_EQ(level.error().kind, ErrorKind::kUnsupported);
    EXPECT_EQ(content(mine), text);
    EXPECT_FALSE(fs::exists(mine.string() + ".lock"));
  }
}

TEST_F(DamageTest, AFileThatAnotherUsesIsNotReplaced) {
  const auto user = open(path_);
  ASSERT_TRUE(user);
  ASSERT_TRUE(put(**user, 0, 1, kStart, 64));
  fs::resize_file(path_, 0);
  std::ofstream(path_) << std::string(5000, 'x');
  const auto other = open(path_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(other.error().to_string(), testing::HasSubstr("another process uses it"));
  EXPECT_FALSE(fs::exists(path_.string() + ".corrupt"));
}

TEST_F(DamageTest, AFileDamagedInUseIsSetAsideAndWorkGoesOn) {
  const auto level = open(path_);
  ASSERT_TRUE(level);
  overwrite_pages(path_);
  const auto there = found(**level, 0, 200, kStart, 64);
  ASSERT_TRUE(there);
  EXPECT_EQ((*level)->stats().set_aside, 1u);
  ASSERT_TRUE(put(**level, 0, 200, kStart, 64));
  EXPECT_EQ(found(**level, 0, 200, kStart, 64), range(0, 200));
}

}  // namespace
}  // namespace vecmill::cache
