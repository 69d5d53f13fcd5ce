#include "vecmill/base/file_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace vecmill {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr FileFormat kFormat{"box", 0x626f78, 3, "CREATE TABLE box(thing)", "throw it away"};

class FileFormatTest : public testing::Test {
 protected:
  FileFormatTest() { fs::create_directories(folder_); }
  ~FileFormatTest() override { fs::remove_all(folder_); }

  [[nodiscard]] Database open() const { return *Database::open(path_, true); }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("format-" + std::to_string(getpid()));
  const fs::path path_ = folder_ / "a.db";
};

TEST_F(FileFormatTest, AnEmptyFileIsFilledOnce) {
  int fills = 0;
  for (int run = 0; run < 2; ++run) {
    Database db = open();
    const Status status = prepare_file(db, kFormat, [&] {
      ++fills;
      return db.run("INSERT INTO box VALUES (7)");
    });
    ASSERT_TRUE(status) << status.error().to_string();
    EXPECT_EQ(read_number(db, "SELECT thing FROM box"), 7);
  }
  EXPECT_EQ(fills, 1);
}

TEST_F(FileFormatTest, AFillThatFailsLeavesNothing) {
  {
    Database db = open();
    EXPECT_FALSE(prepare_file(db, kFormat,
                              [] { return Status(make_error(ErrorKind::kIo, "no more things")); }));
  }
  Database db = open();
  EXPECT_EQ(read_number(db, "SELECT count(*) FROM sqlite_schema"), 0);
  EXPECT_TRUE(prepare_file(db, kFormat));
}

TEST_F(FileFormatTest, TheVersionBeforeIsUpgradedWhereTheFormatSaysHow) {
  FileFormat newer{"box", 0x626f78, 4, "CREATE TABLE box(thing, lid)", "throw it away"};
  newer.upgrades = {{{3, "ALTER TABLE box ADD COLUMN lid DEFAULT 1"}}};
  {
    Database db = open();
    ASSERT_TRUE(prepare_file(db, kFormat));
    ASSERT_TRUE(db.run("INSERT INTO box VALUES(7)"));
  }
  for (int run = 0; run < 2; ++run) {
    Database db = open();
    const Status status = prepare_file(db, newer);
    ASSERT_TRUE(status) << status.error().to_string();
    EXPECT_EQ(read_number(db, "SELECT thing+lid FROM box"), 8);
    EXPECT_EQ(prepare_file(db, kFormat).error().kind, ErrorKind::kUnsupported) << "not back";
  }
  Database db = open();
  newer.version = 6;
  EXPECT_EQ(prepare_file(db, newer).error().kind, ErrorKind::kUnsupported) << "a step is missing";
}

TEST_F(FileFormatTest, AnOlderVersionIsUpgradedStepByStep) {
  FileFormat newest{"box", 0x626f78, 5, "CREATE TABLE box(thing, lid, key)", "throw it away"};
  newest.upgrades = {{{4, "ALTER TABLE box ADD COLUMN key DEFAULT 2"},
                      {3, "ALTER TABLE box ADD COLUMN lid DEFAULT 1"}}};
  Database db = open();
  ASSERT_TRUE(prepare_file(db, kFormat));
  ASSERT_TRUE(db.run("INSERT INTO box VALUES(7)"));
  ASSERT_TRUE(prepare_file(db, newest));
  EXPECT_EQ(read_number(db, "SELECT thing+lid+key FROM box"), 10);
  EXPECT_TRUE(prepare_file(db, newest));
}

TEST_F(FileFormatTest, AnUpgradeThatFailsChangesNothing) {
  FileFormat newer{"box", 0x626f78, 4, "CREATE TABLE box(thing, lid)", "throw it away"};
  newer.upgrades = {{{3, "ALTER TABLE box ADD COLUMN lid; ALTER TABLE shelf ADD COLUMN lid"}}};
  {
    Database db = open();
    ASSERT_TRUE(prepare_file(db, kFormat));
    EXPECT_FALSE(prepare_file(db, newer));
  }
  Database db = open();
  EXPECT_TRUE(prepare_file(db, kFormat));
  EXPECT_FALSE(read_number(db, "SELECT lid FROM box"));
}

TEST_F(FileFormatTest, TheFileOfAnotherProgramIsLeftAlone) {
  {
    Database db = open();
    ASSERT_TRUE(db.run("CREATE TABLE theirs(x)"));
  }
  Database db = open();
  const Status status = prepare_file(db, kFormat);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(status.error().to_string(), HasSubstr("choose another file for the box"));
  EXPECT_EQ(read_number(db, "SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(FileFormatTest, AnotherVersionSaysWhatToDo) {
  Database db = open();
  ASSERT_TRUE(prepare_file(db, kFormat));
  FileFormat next = kFormat;
  next.version = 4;
  const Status status = prepare_file(db, next);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().to_string(),
              HasSubstr("is a box of version 3; this program reads version 4"));
  EXPECT_THAT(status.error().to_string(), HasSubstr("throw it away"));
}

TEST_F(FileFormatTest, ANumberThatIsNotThereIsZero) {
  Database db = open();
  EXPECT_EQ(read_number(db, "SELECT 5 WHERE false"), 0);
  EXPECT_FALSE(read_number(db, "SELECT FROM"));
}

}  // namespace
}  // namespace vecmill
