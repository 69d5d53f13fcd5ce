#include "vecmill/engine/job_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "vecmill/base/database.h"
#include "vecmill/engine/open_source.h"
#include "vecmill/queue/model_queue.h"

namespace vecmill::engine {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

class JobWorkerTest : public testing::Test {
 protected:
  JobWorkerTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    queue_.shown = queue::Time(std::chrono::hours(24 * 20'000));
    options_.drain = true;
    options_.machine.model = "builtin:hash";
    options_.machine.use_cache = CacheMode::kOff;
    pattern_.model = "builtin:hash";
    pattern_.dtype = "f32";
    const auto engine = Engine::open(options_.machine);
    const SpaceInfo space = (*engine)->capabilities({}).space;
    pattern_.space = space.space;
    pattern_.arithmetic = space.arithmetic;
    pattern_.job.inputs = {folder_ / "in.txt"};
    pattern_.job.out = folder_ / "out.db";
    pattern_.job.empty = Empty::kFail;
  }
  ~JobWorkerTest() override { std::filesystem::remove_all(folder_); }

  /// A job of all these lines.
  void submit_lines(const std::vector<std::string>& lines) {
    {
      std::ofstream out(folder_ / "in.txt");
      for (const std::string& line : lines) out << line << "\n";
    }
    auto source = open_source(pattern_.job);
    const auto jobs = *cut_into_jobs(**source, pattern_, 1000, false);
    submit(jobs.front());
  }
  void submit(const JobPayload& payload) {
    queue::NewJob job;
    job.payload = to_text(payload);
    job.due = queue_.shown;
    job.group = "g";
    ASSERT_TRUE(queue_.submit(std::span(&job, 1), queue_.shown));
  }

  Result<WorkReport> work(const std::stop_token& stop = {}) {
    JobWorker worker(queue_, options_, tell_);
    return worker.work(stop);
  }

  std::vector<std::string> ids() const {
    auto db = Database::open(folder_ / "out.db", false);
    auto rows = Statement::prepare(*db, "SELECT id FROM vectors");
    std::vector<std::string> all;
    while (*rows->step()) {
      const std::string id(rows->text(0));
      all.push_back(id.substr(id.rfind(':') + 1));
    }
    return all;
  }

  /// A worker takes what it can get, and dies.
  void die() {
    ASSERT_FALSE(queue_.claim({"w", 1, 30s}, queue_.shown)->empty());
    queue_.shown += 30s;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("vecmill-worker-" + std::to_string(getpid()));
  queue::ModelQueue queue_;
  WorkOptions options_;
  JobPayload pattern_;
  std::vector<JobEvent> events_;
  std::function<void(const JobEvent&)> tell_ = [this](const JobEvent& event) {
    events_.push_back(event);
    if (event.end == JobEnd::kRetry) queue_.shown += 1h;
  };
};

TEST_F(JobWorkerTest, WritesEachTextAndTellsHowMany) {
  submit_lines({"one", "two", "three"});
  const auto report = work();
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->done, 1U);
  EXPECT_EQ(report->texts, 3U);
  EXPECT_THAT(ids(), UnorderedElementsAre("1", "2", "3"));
}

TEST_F(JobWorkerTest, ATextThatFailsIsAJobOfItsOwnAndDies) {
  submit_lines({"one", " ", "three"});
  const auto report = work();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->split, 1U);
  EXPECT_EQ(report->dead_letters, 1U);
  EXPECT_THAT(ids(), UnorderedElementsAre("1", "3"));
  const auto dead = *queue_.list({.state = queue::State::kDead}, 10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].cause, "invalid_data");
  EXPECT_EQ(texts_of(*parse_payload(dead[0].payload)),
            (folder_ / "in.txt").string() + ", record 2");
}

TEST_F(JobWorkerTest, AJobThatTwoWorkersDiedOfIsTakenApart) {
  submit_lines({"one", "two", "three"});
  die();
  const auto whole = work();
  EXPECT_EQ(whole->done, 1U) << "one death may be a coincidence";
  submit_lines({"one", "two", "three"});
  die();
  die();
  const auto report = work();
  EXPECT_EQ(report->split, 1U);
  EXPECT_EQ(report->done, 3U);
  EXPECT_EQ(events_[1].texts, 0U) << "it is not tried again as a whole";
}

TEST_F(JobWorkerTest, WhatMayBetterIsTriedAgainEachTimeLater) {
  submit_lines({"one"});
  std::filesystem::remove(folder_ / "in.txt");
  const auto start = queue_.shown;
  std::vector<queue::Duration> waits;
  tell_ = [&](const JobEvent& event) {
    events_.push_back(event);
    const auto job = queue_.list({}, 1)->front();
    if (event.end == JobEnd::kRetry) waits.push_back(job.due - queue_.shown);
    queue_.shown = std::max(queue_.shown, job.due);
  };
  const auto report = work();
  EXPECT_THAT(waits, ElementsAre(30s, 120s));
  EXPECT_EQ(report->retried, 2U);
  EXPECT_EQ(report->dead, 1U);
  EXPECT_EQ(events_.back().cause, "not_found");
  EXPECT_EQ(queue_.shown - start, 150s);
}

TEST_F(JobWorkerTest, AModelThatIsAnotherHereIsALastingError) {
  submit_lines({"one"});
  JobPayload other = *parse_payload(queue_.list({}, 1)->front().payload);
  (void)queue_.cancel({}, queue_.shown);
  other.space = "another";
  submit(other);
  EXPECT_EQ(work()->dead, 1U);
  EXPECT_EQ(events_.back().cause, "mismatch");
}

TEST_F(JobWorkerTest, WithoutItsKeyAWorkerGivesTheJobBackAndEnds) {
  submit_lines({"one"});
  JobPayload remote = *parse_payload(queue_.list({}, 1)->front().payload);
  (void)queue_.cancel({}, queue_.shown);
  remote.model = "voyage:voyage-code-3";
  remote.dims = 256;
  submit(remote);
  unsetenv("VOYAGE_API_KEY");
  const auto report = work();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kAuth);
  const auto job = queue_.list({.after = 1}, 1)->front();
  EXPECT_EQ(job.state, queue::State::kWaiting);
  EXPECT_EQ(job.failures, 0U);
}

TEST_F(JobWorkerTest, WhatIsNoJobIsADeadLetter) {
  const queue::NewJob job{.payload = "{}", .due = queue_.shown};
  ASSERT_TRUE(queue_.submit(std::span(&job, 1), queue_.shown));
  EXPECT_EQ(work()->dead, 1U);
  EXPECT_EQ(events_.back().cause, "invalid_data");
}

}  // namespace
}  // namespace vecmill::engine
