#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "vecmill/base/mapped_file.h"
#include "vecmill/sink/index.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const SpaceInfo kSpace{"space", "f32/1", "org/model", 3};

OutputRow good(int i) {
  OutputRow row;
  row.id = "id " + std::to_string(i) + " \"é\"";
  row.vector = {static_cast<float>(i), -0.25F, 1e-3F};
  row.metadata = i % 2 == 0 ? R"({"n":1.50,"t":"ü"})" : "";
  row.truncated_tokens = i % 3 == 0 ? 4 : 0;
  return row;
}

OutputRow bad(int i) {
  OutputRow row;
  row.id = "bad " + std::to_string(i);
  row.error = make_error(ErrorKind::kTooLong, "has 300 tokens");
  return row;
}

/// Every fifth row failed.
std::vector<OutputRow> rows(int first, int last) {
  std::vector<OutputRow> all;
  for (int i = first; i < last; ++i) all.push_back(i % 5 == 4 ? bad(i) : good(i));
  return all;
}

class SinkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* given = std::getenv(kFolder);
    is_child_ = given != nullptr;
    if (is_child_) {
      folder_ = given;
      return;
    }
    folder_ = fs::path(testing::TempDir()) / ("sink-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override {
    if (!is_child_) fs::remove_all(folder_);
  }

  [[nodiscard]] std::string out() const { return folder_ / ("x" + std::string(GetParam())); }

  Result<Opened> open(bool resume = false, Store store = Store::kF32,
                      const SpaceInfo& space = kSpace) const {
    SinkOptions options;
    options.resume = resume;
    options.store = store;
    return sink::open(out(), space, options);
  }

  /// A whole run in windows of ten rows.
  void write_all(Store store = Store::kF32) const {
    auto opened = open(false, store);
    ASSERT_TRUE(opened) << opened.error().to_string();
    for (int at = 0; at < 100; at += 10) {
      ASSERT_TRUE(opened->sink->write(rows(at, at + 10)));
      ASSERT_TRUE(opened->sink->commit(std::to_string(at + 10)));
    }
    ASSERT_TRUE(opened->sink->finish());
  }

  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      // A killed process leaves its lock file; the lock itself ended with it.
      if (entry.path().extension() == ".lock") continue;
      all[entry.path().filename().string()] = *read_file(entry.path());
    }
    return all;
  }

  void expect_files(const std::map<std::string, std::string>& wanted) const {
    const auto found = files();
    for (const auto& [name, content] : found) EXPECT_TRUE(wanted.contains(name)) << name;
    for (const auto& [name, content] : wanted) {
      ASSERT_TRUE(found.contains(name)) << name;
      EXPECT_TRUE(found.at(name) == content) << name << " differs";
    }
  }

  static constexpr char kFolder[] = "VECMILL_TEST_SINK_FOLDER";
  fs::path folder_;
  bool is_child_ = false;
};

TEST_P(SinkTest, WhatIsWrittenIsReadBack) {
  for (const Store store : {Store::kF32, Store::kF16}) {
    SetUp();
    write_all(store);
    const auto index = read_index(out());
    ASSERT_TRUE(index) << index.error().to_string();
    EXPECT_EQ(index->info.space, "space");
    EXPECT_EQ(index->info.arithmetic, "f32/1");
    EXPECT_EQ(index->info.model, "org/model");
    EXPECT_EQ(index->info.dims, 3U);
    ASSERT_EQ(index->size(), 80U);
    std::vector<float> scratch;
    std::size_t at = 0;
    for (int i = 0; i < 100; ++i) {
      if (i % 5 == 4) continue;
      EXPECT_EQ(index->ids[at], good(i).id);
      const auto row = index->row(at++, scratch);
      ASSERT_EQ(row.size(), 3U);
      EXPECT_EQ(row[0], static_cast<float>(i));
      EXPECT_EQ(row[1], -0.25F);
      EXPECT_NEAR(row[2], 1e-3F, store == Store::kF16 ? 1e-6 : 0);
    }
  }
}

TEST_P(SinkTest, FailedTextsStandInAListOfTheirOwn) {
  write_all();
  const std::string failed = files().at("x.failed.jsonl");
  EXPECT_EQ(std::count(failed.begin(), failed.end(), '\n'), 20);
  EXPECT_THAT(failed, testing::StartsWith(
                          R"({"id":"bad 4","kind":"too_long","message":"has 300 tokens"})"));
}

TEST_P(SinkTest, NothingStandsUnderAFinalNameBeforeTheEnd) {
  auto opened = open();
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->sink->write(rows(0, 10)));
  ASSERT_TRUE(opened->sink->commit("10"));
  EXPECT_FALSE(fs::exists(out()));
  ASSERT_TRUE(opened->sink->finish());
  EXPECT_TRUE(fs::exists(out()));
  for (const auto& [name, content] : files()) {
    EXPECT_THAT(name, testing::Not(HasSubstr("partial")));
    EXPECT_THAT(name, testing::Not(HasSubstr("checkpoint")));
  }
}

TEST_P(SinkTest, ResumingGivesTheBytesOfOneRun) {
  write_all();
  const auto wanted = files();
  SetUp();
  int at = 0;
  for (int stop_after = 1; at < 100; ++stop_after) {
    auto opened = open(at > 0);
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_EQ(opened->position.value_or("0"), std::to_string(at));
    for (int i = 0; i < stop_after && at < 100; ++i, at += 10) {
      ASSERT_TRUE(opened->sink->write(rows(at, at + 10)));
      ASSERT_TRUE(opened->sink->commit(std::to_string(at + 10)));
    }
    if (at == 100) {
      ASSERT_TRUE(opened->sink->finish());
    } else {
      ASSERT_TRUE(opened->sink->write(rows(at, at + 7)));  // lost: not committed
    }
  }
  expect_files(wanted);
  const auto again = open(true);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->complete);
  EXPECT_EQ(again->rows_done, 80U);
  EXPECT_EQ(again->rows_failed, 20U);
  expect_files(wanted);
}

TEST_P(SinkTest, ARunWithoutACommitLeavesNothingBehind) {
  {
    auto opened = open();
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->sink->write(rows(0, 10)));
  }
  EXPECT_TRUE(files().empty());
  write_all();
}

TEST_P(SinkTest, AnotherSpaceIsRefusedAndNothingChanges) {
  write_all();
  const auto before = files();
  const SpaceInfo cases[] = {{"other", "f32/1", "org/model", 3},
                             {"space", "bf16/1", "org/model", 3},
                             {"space", "f32/1", "org/model", 4}};
  for (const SpaceInfo& space : cases) {
    const auto opened = open(true, Store::kF32, space);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kMismatch);
  }
  EXPECT_EQ(open(true, Store::kF16).error().kind, ErrorKind::kMismatch);
  const auto complete = open(false);
  ASSERT_FALSE(complete);
  EXPECT_THAT(complete.error().message, HasSubstr("already complete, with 80 rows"));
  expect_files(before);
}

TEST_P(SinkTest, AnInterruptedRunIsNotOverwrittenByAccident) {
  {
    auto opened = open();
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->sink->write(rows(0, 10)));
    ASSERT_TRUE(opened->sink->commit("10"));
  }
  const auto before = files();
  const auto opened = open(false);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().hint, HasSubstr("--resume"));
  const auto other = open(true, Store::kF32, {"other", "f32/1", "org/model", 3});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::kMismatch);
  expect_files(before);
}

TEST_P(SinkTest, ForeignFilesAreLeftAlone) {
  for (const char* name : {"x.failed.jsonl", GetParam()}) {
    SetUp();
    const fs::path foreign = folder_ / (name[0] == '.' ? std::string("x") + name : name);
    std::ofstream(foreign) << "precious";
    const auto opened = open();
    ASSERT_FALSE(opened) << foreign;
    EXPECT_EQ(*read_file(foreign), "precious");
  }
}

TEST_P(SinkTest, TwoRunsOnOneOutputAreRefused) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kIo);
}

TEST_P(SinkTest, AFolderThatIsNotThereIsAnError) {
  SinkOptions options;
  const auto opened = sink::open(folder_ / "no" / "x.npy", kSpace, options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().to_string(), HasSubstr("no/x"));
}

/// Fills a real disk of 1 MiB.
TEST_P(SinkTest, AFullDiskIsAnErrorAndWhatIsCommittedStays) {
  const fs::path disk = folder_ / "disk";
  fs::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "only root may mount the small disk that this needs";
  }
  const std::string path = disk / ("x" + std::string(GetParam()));
  Status status;
  std::uint64_t committed = 0;
  {
    auto opened = sink::open(path, kSpace, {});
    ASSERT_TRUE(opened) << opened.error().to_string();
    for (int at = 0; status && at < 1'000'000; at += 1000) {
      status = opened->sink->write(rows(at, at + 1000));
      if (status) status = opened->sink->commit(std::to_string(at + 1000));
      if (status) committed += 800;
    }
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kIo) << status.error().to_string();
  EXPECT_GT(committed, 0U);
  mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=16m");
  {
    SinkOptions options;
    options.resume = true;
    const auto opened = sink::open(path, kSpace, options);
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_EQ(opened->rows_done, committed);
  }
  umount(disk.c_str());
}

/// What a child process does that a test kills.
TEST_P(SinkTest, DISABLED_Child) { write_all(); }

/// A child process is killed at the failpoint; resuming gives the bytes of one run.
TEST_P(SinkTest, AKillAtAnyFailpointLosesNothing) {
  write_all();
  const auto wanted = files();
  int killed = 0;
  for (const char* name : {"sink.write", "sink.commit", "sink.finish", "sink.publish"}) {
    for (const int count : {1, 2, 9}) {
      SetUp();
      const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
      const std::string command = "VECMILL_FAILPOINT=" + std::string(name) + ":" +
                                  std::to_string(count) + " " + kFolder + "=" + folder_.string() +
                                  " /proc/" + std::to_string(getpid()) +
                                  "/exe --gtest_also_run_disabled_tests --gtest_filter=*Child" +
                                  test.substr(test.find('/')) + " > /dev/null";
      if (WEXITSTATUS(std::system(command.c_str())) == 137) ++killed;
      auto opened = open(true);
      ASSERT_TRUE(opened) << name << ":" << count << " " << opened.error().to_string();
      if (!opened->complete) {
        for (int at = std::stoi(opened->position.value_or("0")); at < 100; at += 10) {
          ASSERT_TRUE(opened->sink->write(rows(at, at + 10)));
          ASSERT_TRUE(opened->sink->commit(std::to_string(at + 10)));
        }
        ASSERT_TRUE(opened->sink->finish());
      }
      expect_files(wanted);
    }
  }
  EXPECT_GE(killed, 7);
}

INSTANTIATE_TEST_SUITE_P(Outputs, SinkTest, testing::Values(".npy", ".jsonl", ".db"));

TEST(SinkFactory, AnUnknownExtensionIsRefused) {
  const auto opened = sink::open("x.parquet", kSpace, {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().to_string(), HasSubstr(".npy, .jsonl and .db"));
}

}  // namespace
}  // namespace vecmill::sink
