#include "vecmill/cache/sqlite_level.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1 << 20;

class SqliteLevelTest : public TestFolder {
 protected:
  SqliteLevelTest() { options_.path = path_; }

  std::unique_ptr<SqliteLevel> open() {
    auto level = SqliteLevel::open(options_);
    if (!level) {
      ADD_FAILURE() << level.error().to_string();
      return nullptr;
    }
    return std::move(*level);
  }

  std::string refusal() {
    const auto level = SqliteLevel::open(options_);
    return level ? "opened" : level.error().to_string();
  }

  void edit(const std::string& sql) {
    auto db = Database::open_shared(path_);
    ASSERT_TRUE(db && db->run(sql));
  }

  std::uint64_t bytes_on_disk() const {
    const fs::path log = path_.string() + "-wal";
    return fs::file_size(path_) + (fs::exists(log) ? fs::file_size(log) : 0);
  }

  SqliteOptions options_{.path = {}, .max_bytes = 64 * kMiB, .ttl = seconds(0)};
};

TEST_F(SqliteLevelTest, WhatIsPutComesBackAlsoAfterAnotherStart) {
  for (const Store store : {Store::kF32, Store::kF16}) {
    for (const std::string& key : {std::string(), std::string(32, 'k')}) {
      options_.store = store;
      options_.encryption_key = key;
      options_.path = folder_ / (std::to_string(static_cast<int>(store)) + key + ".db");
      {
        const auto level = open();
        ASSERT_TRUE(put(*level, 0, 300, kStart, 1024));
        EXPECT_EQ(found(*level, 0, 400, kStart, 1024), range(0, 300));
        EXPECT_EQ(level->stats().hits, 300u);
        EXPECT_EQ(level->stats().misses, 100u);
      }
      const auto level = open();
      EXPECT_EQ(found(*level, 0, 400, kStart, 1024), range(0, 300));
      EXPECT_EQ(level->stats().rows, 300u);
    }
  }
}

TEST_F(SqliteLevelTest, ACollisionOfTheKeyIsAMissAndStaysItsOwners) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 1, kStart));
  expect_collisions_to_miss(*level, kStart);
}

TEST_F(SqliteLevelTest, ExpiredIsAMissAndIsCleaned) {
  options_.ttl = seconds(100);
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 10, kStart));
  ASSERT_TRUE(put(*level, 10, 20, kStart + seconds(50)));
  EXPECT_EQ(found(*level, 0, 20, kStart + seconds(99)), range(0, 20));
  EXPECT_EQ(found(*level, 0, 20, kStart + seconds(100)), range(10, 20));
  EXPECT_EQ(level->stats().expired, 10u);
  const auto first = level->clean(4, kStart + seconds(100));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->removed, 4u);
  EXPECT_TRUE(first->more);
  const auto second = level->clean(100, kStart + seconds(100));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->removed, 6u);
  EXPECT_FALSE(second->more);
  EXPECT_EQ(level->stats().rows, 10u);
}

TEST_F(SqliteLevelTest, EachRowGoesWhenItsOwnTimeIsOver) {
  const auto with_ttl = [&](int ttl) {
    options_.ttl = seconds(ttl);
    return open();
  };
  const auto local = with_ttl(300), remote = with_ttl(70), for_ever = with_ttl(0);
  ASSERT_TRUE(put(*local, 0, 10, kStart));
  ASSERT_TRUE(put(*remote, 10, 20, kStart));
  ASSERT_TRUE(put(*for_ever, 20, 30, kStart));
  for (const auto& [at, left] : {std::pair(69, 30u), {70, 20u}, {299, 20u}, {300, 10u}}) {
    const auto step = remote->clean(100, kStart + seconds(at));
    ASSERT_TRUE(step && !step->more);
    EXPECT_EQ(local->stats().rows, left) << at;
  }
  EXPECT_EQ(found(*for_ever, 0, 30, kStart + seconds(300)), range(20, 30));
}

TEST_F(SqliteLevelTest, WhoWritesRemovesALittleOfWhatIsOver) {
  options_.ttl = seconds(100);
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 50, kStart));
  ASSERT_TRUE(put(*level, 50, 60, kStart + seconds(99)));
  EXPECT_EQ(level->stats().rows, 60u);
  ASSERT_TRUE(put(*level, 60, 70, kStart + seconds(100)));
  EXPECT_EQ(level->stats().rows, 50u) << "20 for 10";
  ASSERT_TRUE(put(*level, 70, 90, kStart + seconds(100)));
  EXPECT_EQ(level->stats().rows, 40u);
  EXPECT_EQ(found(*level, 0, 90, kStart + seconds(100)), range(50, 90));
}

TEST_F(SqliteLevelTest, LookUpsOfAllRunsAreCountedByDay) {
  constexpr std::int64_t kDay = 24 * 3600;
  const std::int64_t today = kStart.time_since_epoch().count() / kDay;
  for (int run = 0; run < 3; ++run) {  // a level that ends writes down what it has not yet
    const auto level = open();
    EXPECT_EQ(found(*level, 0, 10, kStart), run == 0 ? range(0, 0) : range(0, 10));
    ASSERT_TRUE(put(*level, 0, 10, kStart));
  }
  const auto level = open();
  EXPECT_EQ(found(*level, 5, 20, kStart + seconds(kDay)), range(5, 10));
  const auto expect = [&](std::int64_t since, std::uint64_t hits, std::uint64_t misses) {
    const auto all = level->lookups(since);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->found, hits) << since - today;
    EXPECT_EQ(all->missed, misses) << since - today;
  };
  expect(today, 25, 20);
  expect(today + 1, 5, 10);
  expect(today + 2, 0, 0);
  ASSERT_TRUE(level->clear());
  expect(today, 0, 0);
}

TEST_F(SqliteLevelTest, AFileOfTheVersionBeforeGoesOn) {
  options_.ttl = seconds(100);
  ASSERT_TRUE(put(*open(), 0, 10, kStart));
  edit(
      "DROP INDEX by_until; ALTER TABLE vectors DROP COLUMN until; DROP TABLE days;"
      " PRAGMA user_version=1");
  const auto level = open();
  EXPECT_EQ(found(*level, 0, 10, kStart), range(0, 10));
  ASSERT_TRUE(put(*level, 5, 15, kStart));
  ASSERT_TRUE(level->clean(100, kStart + seconds(100)));
  EXPECT_EQ(level->stats().rows, 5u) << "nobody knows how long those are good";
}

TEST_F(SqliteLevelTest, TheByteLimitIsKeptAtEachMomentWithTheLog) {
  options_.max_bytes = 16 * kMiB;
  const bool deep = std::getenv("VECMILL_TEST_DEEP") != nullptr;
  for (const std::uint32_t dims : {520u, 1024u, 20'000u, 4u}) {
    if (dims == 4 && !deep) continue;
    fs::remove(path_);
    const auto level = open();
    const int rows = dims == 4 ? 160'000 : static_cast<int>(4'200'000 / dims);
    const int step = dims < 10'000 ? 256 : 10;
    for (int n = 0; n < rows; n += step) {
      ASSERT_TRUE(put(*level, n, n + step, kStart + hours(n / step), dims));
      ASSERT_LE(bytes_on_disk(), options_.max_bytes) << dims << " " << n;
    }
    const LevelStats stats = level->stats();
    EXPECT_GT(stats.evicted, 0u) << dims;
    EXPECT_EQ(stats.bytes, bytes_on_disk());
    // The places of the smallest in four trees take more than they do.
    EXPECT_GT(stats.rows * (dims * sizeof(float) + 72), (dims == 4 ? 4 : 5) * kMiB) << dims;
    const int first = (rows - 1) / step * step - step;
    EXPECT_EQ(found(*level, first, first + step, kStart, dims), range(first, first + step));
  }
}

TEST_F(SqliteLevelTest, WhatIsUsedStays) {
  options_.max_bytes = 16 * kMiB;
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 100, kStart, 1024));
  for (int step = 1; step < 32; ++step) {
    const Time now = kStart + hours(step);
    ASSERT_EQ(found(*level, 0, 100, now, 1024), range(0, 100)) << step;
    ASSERT_TRUE(put(*level, 1000 + 100 * step, 1100 + 100 * step, now, 1024));
  }
  EXPECT_EQ(found(*level, 1100, 1200, kStart, 1024), range(0, 0)) << "used once, long ago";
}

TEST_F(SqliteLevelTest, AHitWritesNothingWithinTheHour) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 2000, kStart));
  const std::uint64_t before = bytes_on_disk();
  EXPECT_EQ(found(*level, 0, 2000, kStart + seconds(10)), range(0, 2000));
  EXPECT_EQ(bytes_on_disk(), before);
  EXPECT_EQ(found(*level, 0, 2000, kStart + hours(1)), range(0, 2000));
  EXPECT_GT(bytes_on_disk(), before) << "uses are written down once an hour, together";
}

TEST_F(SqliteLevelTest, CleaningMakesRoomBeforeItIsNeeded) {
  options_.max_bytes = 16 * kMiB;
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 3000, kStart, 1024));
  const std::uint64_t evicted = level->stats().evicted;
  std::uint64_t removed = 0;
  for (bool more = true; more;) {
    const auto report = level->clean(10, kStart);
    ASSERT_TRUE(report && report->removed <= 10);
    removed += report->removed;
    more = report->more;
  }
  EXPECT_GT(removed, 50u);
  const std::uint64_t cleaned = level->stats().evicted;
  EXPECT_EQ(cleaned, evicted + removed);
  ASSERT_TRUE(put(*level, 3000, 3060, kStart, 1024));
  EXPECT_EQ(level->stats().evicted, cleaned) << "there was room";
}

TEST_F(SqliteLevelTest, ADamagedRowIsAMissAndIsDropped) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 10, kStart, 1024));
  edit(
      "UPDATE vectors SET row = substr(row, 1, 1000) || x'00' || substr(row, 1002) WHERE id IN"
      " (SELECT id FROM vectors WHERE hex(substr(row, 1001, 1)) <> '00' ORDER BY id LIMIT 2)");
  edit("UPDATE vectors SET row = 'text' WHERE id = (SELECT max(id) FROM vectors)");
  edit(
      "UPDATE vectors SET row = NULL WHERE id = (SELECT min(id) FROM vectors WHERE row <> 'text'"
      " AND id > (SELECT id FROM vectors ORDER BY id LIMIT 1 OFFSET 4))");
  const auto there = found(*level, 0, 10, kStart, 1024);
  ASSERT_TRUE(there);
  const std::uint64_t damaged = 10 - there->size();
  EXPECT_GE(damaged, 2u);
  EXPECT_EQ(level->stats().corrupt, damaged);
  EXPECT_EQ(level->stats().rows, there->size());
  ASSERT_TRUE(put(*level, 0, 10, kStart, 1024));
  EXPECT_EQ(found(*level, 0, 10, kStart, 1024), range(0, 10));
}

TEST_F(SqliteLevelTest, WhatIsPutIntoADamagedFileIsInTheNewOne) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 10, kStart));
  edit(
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage=1000000 WHERE name='vectors';"
      " PRAGMA schema_version=1000");
  ASSERT_TRUE(put(*level, 10, 20, kStart));
  EXPECT_EQ(level->stats().set_aside, 1u);
  EXPECT_EQ(found(*level, 0, 20, kStart), range(10, 20));
}

TEST_F(SqliteLevelTest, VerifyDropsWhatIsDamaged) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 1000, kStart));
  edit("UPDATE vectors SET row = x'01' WHERE id IN (SELECT id FROM vectors LIMIT 3)");
  edit("UPDATE vectors SET id = id + 1 WHERE id = (SELECT max(id) FROM vectors)");
  const auto report = level->verify();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows, 996u);
  EXPECT_EQ(report->dropped, 4u);
  EXPECT_FALSE(report->set_aside);
  EXPECT_EQ(level->stats().rows, 996u);
}

TEST_F(SqliteLevelTest, CompactGivesSpaceBackAndClearForgets) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 3000, kStart, 1024));
  const std::uint64_t full = bytes_on_disk();
  edit("DELETE FROM vectors WHERE id > 0");
  ASSERT_TRUE(level->compact());
  EXPECT_LT(bytes_on_disk(), full * 2 / 3);
  const auto there = found(*level, 0, 3000, kStart, 1024);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->size(), level->stats().rows);
  std::ofstream(path_.string() + ".corrupt") << "an older one";
  ASSERT_TRUE(level->clear());
  EXPECT_LT(bytes_on_disk(), 100'000u);
  EXPECT_FALSE(fs::exists(path_.string() + ".corrupt"));
  EXPECT_EQ(found(*level, 0, 3000, kStart, 1024), range(0, 0));
}

TEST_F(SqliteLevelTest, WhatMayNotBeOpenedIsRefusedInOneLine) {
  const auto refused = [&](const std::string& part) {
    const std::string line = refusal();
    EXPECT_THAT(line, HasSubstr(path_.string()));
    EXPECT_THAT(line, HasSubstr(part));
    EXPECT_EQ(line.find('\n'), std::string::npos);
  };
  (void)open();
  options_.encryption_key = std::string(32, 'k');
  refused("is not encrypted with this key");
  options_.encryption_key = "";
  edit("PRAGMA user_version=7");
  refused("is a cache of version 7; this program reads version 3");
  edit("PRAGMA application_id=1");
  refused("is a SQLite file of another program");
  fs::permissions(path_, fs::perms(0640));
  refused("others may read or write it");
  fs::remove(path_);
  fs::create_symlink(folder_ / "elsewhere", path_);
  refused("is a link");
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
  fs::remove(path_);
  fs::create_directory(path_);
  refused("is not a file");
  options_.max_bytes = 1000;
  refused("needs 16 MiB at least");
}

TEST_F(SqliteLevelTest, AnEncryptedFileNeedsItsKeyAndTellsNothing) {
  options_.encryption_key = std::string(32, 'k');
  {
    const auto level = open();
    ASSERT_TRUE(put(*level, 0, 100, kStart, 1024));
  }
  const Embedding value = value_of(7, 1024);
  const std::string bytes(reinterpret_cast<const char*>(value.vector.data()), 64);
  EXPECT_EQ(content(path_).find(bytes), std::string::npos);
  for (const std::string& key : {std::string(), std::string(32, 'l')}) {
    options_.encryption_key = key;
    const auto level = SqliteLevel::open(options_);
    ASSERT_FALSE(level);
    EXPECT_EQ(level.error().kind, ErrorKind::kAuth);
  }
  options_.encryption_key = std::string(32, 'k');
  EXPECT_EQ(found(*open(), 0, 100, kStart, 1024), range(0, 100));
}

TEST_F(SqliteLevelTest, AllFilesAreForTheOwnerOnly) {
  const auto level = open();
  ASSERT_TRUE(put(*level, 0, 10, kStart));
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 4) << "file, log, index of the log, lock";
}

TEST_F(SqliteLevelTest, ThreadsAndSecondLevelsSeeOnlyRightVectors) {
  options_.max_bytes = 16 * kMiB;
  const auto one = open();
  const auto two = open();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      SqliteLevel& level = t % 2 == 0 ? *one : *two;
      for (int n = 0; n < 500; n += 100) {
        if (!put(level, n, n + 100, kStart + hours(n / 100), 1024)) ++wrong;
        if (!found(level, 0, n + 200, kStart + hours(n / 100), 1024)) ++wrong;
        if (t == 3 && !level.clean(20, kStart)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(one->stats().corrupt + two->stats().corrupt, 0u);
}

}  // namespace
}  // namespace vecmill::cache
