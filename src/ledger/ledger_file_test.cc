#include "vecmill/ledger/ledger_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "vecmill/base/file_format.h"
#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

using testing::HasSubstr;

class LedgerFileTest : public LedgerFolder {};

TEST_F(LedgerFileTest, TheFileIsPrivateAndNeverBegunAnew) {
  ASSERT_TRUE(open()->intent(call_of(1), kNoon));
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path_.string() + suffix);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0);
    file << std::string(4096, 'x');
  }
  const auto size = std::filesystem::file_size(path_);
  const auto ledger = open_ledger({place_, test_prices()});
  ASSERT_FALSE(ledger);
  EXPECT_EQ(ledger.error().kind, ErrorKind::kInvalidData);
  EXPECT_THAT(ledger.error().hint, HasSubstr("backup"));
  EXPECT_EQ(std::filesystem::file_size(path_), size);
}

TEST_F(LedgerFileTest, ADamagedCallIsAnError) {
  for (const char* sql : {"UPDATE calls SET state=5", "UPDATE calls SET state=0, tags='{'",
                          "UPDATE calls SET tags='{\"k\":1}'"}) {
    const auto ledger = open();
    const CallId id = ledger->intent(call_of(1), kNoon)->call;
    auto db = Database::open_shared(path_);
    ASSERT_TRUE(db->run(sql));
    const Status read = open_call_log(place_).value()->for_each({}, [](const Entry&) {});
    ASSERT_FALSE(read) << sql;
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidData) << sql;
    EXPECT_EQ(ledger->settle(id, {Bill::kBilled, 1}).error().kind, ErrorKind::kInvalidData) << sql;
  }
}

TEST_F(LedgerFileTest, AFileOfTheVersionBeforeGoesOn) {
  CallId id = 0;
  {
    const auto ledger = open();
    id = ledger->intent(call_of(10), kNoon)->call;
    ASSERT_TRUE(ledger->settle(id, {Bill::kBilled, 9}));
  }
  ASSERT_TRUE(Database::open_shared(path_)->run("PRAGMA user_version=1"));
  const auto ledger = open();
  ASSERT_TRUE(ledger);
  EXPECT_EQ(entries().at(0).tokens, 9u);
  EXPECT_TRUE(
      ledger->settle(ledger->intent(call_of(10), kNoon)->call, {Bill::kEstimated, 5}).value());
  EXPECT_EQ(read_number(*Database::open_shared(path_), "PRAGMA user_version"), 2)
      << "a program that knows no estimates does not read it as damaged";
}

TEST_F(LedgerFileTest, AnotherVersionOrProgramIsRefused) {
  for (const char* pragma : {"PRAGMA user_version=3", "PRAGMA application_id=1"}) {
    std::filesystem::remove(path_);
    open().reset();
    ASSERT_TRUE(Database::open_shared(path_)->run(pragma));
    const auto ledger = open_ledger({place_, test_prices()});
    ASSERT_FALSE(ledger) << pragma;
    EXPECT_EQ(ledger.error().kind, ErrorKind::kUnsupported) << pragma;
  }
  EXPECT_EQ(open_call_log((folder_ / "none").string()).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace vecmill::ledger
