#include "vecmill/base/database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace vecmill {
namespace {

namespace fs = std::filesystem;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() { fs::create_directories(folder_); }
  ~DatabaseTest() override { fs::remove_all(folder_); }

  static std::int64_t number(const Database& db, const char* sql) {
    auto statement = Statement::prepare(db, sql);
    EXPECT_TRUE(statement && *statement->step());
    return statement->number(0);
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("vecmill-database-" + std::to_string(getpid()));
  const fs::path path_ = folder_ / "a.db";
};

TEST_F(DatabaseTest, SharedReadersSeeCommitsWhileTheWriterGoesOn) {
  auto writer = Database::open_shared(path_);
  auto reader = Database::open_shared(path_);
  ASSERT_TRUE(writer && reader);
  EXPECT_EQ(number(*writer, "PRAGMA synchronous"), 2) << "FULL";
  ASSERT_TRUE(writer->run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)"));
  EXPECT_EQ(number(*reader, "SELECT count(*) FROM t"), 0);
  ASSERT_TRUE(writer->run("COMMIT"));
  EXPECT_EQ(number(*reader, "SELECT count(*) FROM t"), 1);
}

/// Two threads would have to meet: what SQLite was told is looked at.
TEST_F(DatabaseTest, WhoReadsWaitsForWhoWrites) {
  ASSERT_TRUE(Database::open(path_, true));
  const auto reader = Database::open(path_, false);
  ASSERT_TRUE(reader);
  EXPECT_EQ(number(*reader, "PRAGMA busy_timeout"), 10'000);
}

TEST_F(DatabaseTest, AStatementCanBeReadAgain) {
  auto db = Database::open(path_, true);
  ASSERT_TRUE(db);
  auto twice = Statement::prepare(*db, "SELECT 2 * ?");
  ASSERT_TRUE(twice);
  for (const std::uint64_t n : {3u, 4u}) {
    twice->bind(1, n);
    ASSERT_TRUE(*twice->step());
    EXPECT_EQ(twice->number(0), 2 * static_cast<std::int64_t>(n));
    twice->reset();
  }
}

TEST_F(DatabaseTest, OtherBytesAreInvalidData) {
  std::ofstream(path_) << std::string(8192, 'x');
  for (const bool shared : {false, true}) {
    const auto db = shared ? Database::open_shared(path_) : Database::open(path_, true);
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().kind, ErrorKind::kInvalidData);
    EXPECT_NE(db.error().to_string().find(path_.string()), std::string::npos);
  }
}

}  // namespace
}  // namespace vecmill
