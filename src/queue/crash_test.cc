#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/queue/sqlite_queue.h"

namespace vecmill::queue {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kFolder = "VECMILL_QUEUE_TEST_FOLDER";
const Time kStart{Duration(1'800'000'000'000)};

/// Submits twenty jobs and works on them four at a time; every third fails once. What was done is
/// written down after it is known to be.
void work(const fs::path& folder, Time now) {
  auto queue = open_sqlite_queue(folder / "queue.db");
  ASSERT_TRUE(queue) << queue.error().to_string();
  std::vector<NewJob> jobs;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i);
    jobs.push_back({.payload = name, .due = kStart, .key = name, .attempts = 3});
  }
  if (!fs::exists(folder / "submitted")) {
    ASSERT_TRUE((*queue)->submit(jobs, now));
  }
  std::ofstream(folder / "submitted") << "yes";
  failpoint("test.submitted");
  std::ofstream done(folder / "done", std::ios::app);
  for (;;) {
    const auto claimed = (*queue)->claim({.worker = "w", .count = 4, .lease = 30s}, now);
    ASSERT_TRUE(claimed);
    if (claimed->empty()) return;
    std::vector<Lease> good;
    std::vector<Failure> bad;
    for (const Claimed& job : *claimed) {
      const bool fails = job.failures == 0 && std::stoi(job.payload) % 3 == 0;
      if (fails) bad.push_back({job.lease, "c", "m", now});
      if (!fails) good.push_back(job.lease);
    }
    failpoint("test.worked");
    ASSERT_TRUE((*queue)->fail(bad, now));
    const auto kept = (*queue)->complete(good, now);
    ASSERT_TRUE(kept);
    failpoint("test.completed");
    for (std::size_t i = 0; i < good.size(); ++i) {
      if ((*kept)[i]) done << good[i].job << std::endl;
    }
  }
}

/// What a child does that a failpoint kills.
TEST(QueueCrashChild, DISABLED_Works) { work(std::getenv(kFolder), kStart); }

int run_child(const fs::path& folder, const std::string& failpoint) {
  const std::string command =
      "VECMILL_FAILPOINT=" + failpoint + " " + kFolder + "=" + folder.string() + " /proc/" +
      std::to_string(getpid()) +
      "/exe --gtest_also_run_disabled_tests --gtest_filter=QueueCrashChild.* > /dev/null";
  return WEXITSTATUS(std::system(command.c_str()));
}

TEST(QueueCrashTest, KilledAnywhereNoJobIsLostAndNoneIsDoneTwice) {
  const fs::path folder = quick_folder() / ("vecmill-queue-crash-" + std::to_string(getpid()));
  int kills = 0;
  for (const char* point : {"queue.submit", "test.submitted", "queue.claim", "test.worked",
                            "queue.fail", "queue.end", "test.completed"}) {
    for (int count = 1; count < 100; count += 3) {
      fs::remove_all(folder);
      fs::create_directories(folder);
      const std::string when = std::string(point) + ":" + std::to_string(count);
      const int code = run_child(folder, when);
      if (code == 0) break;
      ASSERT_EQ(code, 137) << when;
      ++kills;
      // Leases of the dead run out one by one: suspects go alone.
      for (int i = 1; i <= 5; ++i) work(folder, kStart + i * 31s);
      const auto queue = open_sqlite_queue(folder / "queue.db");
      const auto counts = (*queue)->count();
      ASSERT_EQ(counts->size(), 1u) << when;
      EXPECT_EQ(counts->front().state, State::kDone) << when;
      EXPECT_EQ(counts->front().jobs, 20u) << when;
      std::map<JobId, int> done;
      std::ifstream file(folder / "done");
      for (JobId id = 0; file >> id;) EXPECT_EQ(++done[id], 1) << when;
    }
  }
  EXPECT_GT(kills, 12);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace vecmill::queue
