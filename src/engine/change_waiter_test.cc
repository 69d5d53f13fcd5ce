#include "vecmill/engine/change_waiter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class ChangeWaiterTest : public testing::Test {
 protected:
  ChangeWaiterTest() {
    fs::create_directories(folder_);
    write("a.txt", "one\n");
    job_.inputs = {folder_.string()};
  }
  ~ChangeWaiterTest() override { fs::remove_all(folder_); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::app) << text;
  }

  /// Returns when there is something new; a minute is for a machine that stands still.
  static bool finds(ChangeWaiter& waiter) {
    std::stop_source stop;
    std::atomic<bool> found = false;
    std::thread waiting([&] {
      waiter.wait(milliseconds(1), stop.get_token());
      found = !stop.stop_requested();
    });
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!found && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    stop.request_stop();
    waiting.join();
    return found;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("waiter-" + std::to_string(getpid()));
  EmbedJob job_;
};

TEST_F(ChangeWaiterTest, AFileThatIsNewChangedOrGoneIsFound) {
  const auto waiter = *make_change_waiter(job_);
  EXPECT_TRUE(waiter->note().empty());
  write("b.txt", "two\n");
  EXPECT_TRUE(finds(*waiter));
  write("a.txt", "three\n");
  EXPECT_TRUE(finds(*waiter));
  fs::remove(folder_ / "b.txt");
  EXPECT_TRUE(finds(*waiter));
}

TEST_F(ChangeWaiterTest, WhatChangesBeforeTheWaitIsFound) {
  const auto waiter = *make_change_waiter(job_);
  write("a.txt", "two\n");
  EXPECT_TRUE(finds(*waiter));
}

TEST_F(ChangeWaiterTest, AFileThatIsWrittenAllTheTimeIsNotWaitedForForEver) {
  const auto waiter = *make_change_waiter(job_);
  std::atomic<bool> end = false;
  std::thread writer([&] {
    while (!end) write("a.txt", "more\n");
  });
  EXPECT_TRUE(finds(*waiter));
  end = true;
  writer.join();
}

TEST_F(ChangeWaiterTest, AStopEndsTheWait) {
  const auto waiter = *make_change_waiter(job_);
  std::stop_source stop;
  std::thread other([&] { stop.request_stop(); });
  waiter->wait(std::chrono::hours(1), stop.get_token());
  other.join();
  EXPECT_FALSE(sleep_for(std::chrono::hours(1), stop.get_token()));
  EXPECT_TRUE(sleep_for(milliseconds(1), {}));
}

}  // namespace
}  // namespace vecmill::engine
