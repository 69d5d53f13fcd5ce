#include "vecmill/cli/queue_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/output.h"

namespace vecmill::cli {
namespace {

constexpr std::size_t kPage = 1000;

std::uint64_t milliseconds(JobTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

Status print_page(const std::vector<JobStatus>& jobs, bool json) {
  std::vector<TableLine> lines;
  for (const JobStatus& job : jobs) {
    if (json) {
      JsonObject object;
      object.count("id", job.id).text("group", job.group).text("state", job.state);
      object.text("texts", job.texts).count("claims", job.claims).count("failures", job.failures);
      object.count("crashes", job.crashes).text("made", time_text(job.made));
      object.count("lease_ends", milliseconds(job.lease_ends));
      object.text("worker", job.worker).text("cause", job.cause).text("message", job.message);
      VECMILL_TRY(print(object.line()));
      continue;
    }
    std::string why = job.state == "leased" ? job.worker : job.message;
    if (!job.cause.empty() && job.state != "leased") why = job.cause + ": " + why;
    lines.push_back({std::to_string(job.id), job.group, job.state, job.texts, std::move(why)});
  }
  return print_table(lines, 5);
}

}  // namespace

Result<std::unique_ptr<JobQueue>> open_queue(const Settings& settings, bool create) {
  QueueOptions options;
  options.place = settings.text("queue");
  options.create = create;
  options.redis.password_env = settings.text("redis-password-env");
  options.redis.ca_file = settings.text("redis-ca-file");
  return JobQueue::open(options);
}

std::vector<JobSelection> selections(std::span<const std::string> words, const std::string& cause) {
  JobSelection numbers;
  numbers.cause = cause;
  std::vector<JobSelection> all;
  for (const std::string& word : words) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error == std::errc() && end == word.data() + word.size()) {
      numbers.ids.push_back(id);
    } else {
      all.push_back({{}, word, cause});
    }
  }
  if (all.empty() || !numbers.ids.empty()) all.push_back(numbers);
  return all;
}

std::string time_text(JobTime time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string jobs_of(std::uint64_t count) {
  return with_commas(count) + (count == 1 ? " job" : " jobs");
}

std::string dead_command(const Settings& settings, const std::string& verb) {
  return "vecmill dead " + verb + " --queue " + quoted(shown_place(settings.text("queue")));
}

Result<bool> print_jobs(const Settings& settings, const std::vector<JobSelection>& which,
                        bool dead_only) {
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  bool any = false;
  for (const JobSelection& some : which) {
    for (std::uint64_t after = 0;;) {
      VECMILL_ASSIGN(const auto jobs, queue->jobs(some, after, kPage, dead_only));
      if (jobs.empty()) break;
      any = true;
      after = jobs.back().id;
      VECMILL_TRY(print_page(jobs, settings.on("json")));
    }
  }
  return any;
}

Result<ExitCode> change_jobs(const Settings& settings, const std::vector<JobSelection>& which,
                             const std::string& done, const ChangeJobs& change) {
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  std::uint64_t jobs = 0;
  for (const JobSelection& some : which) {
    VECMILL_ASSIGN(const std::uint64_t changed, change(*queue, some));
    jobs += changed;
  }
  VECMILL_TRY(settings.on("json")
                  ? print(JsonObject().text("schema", kJobsSchema).count(done, jobs).line())
                  : print(done + " " + jobs_of(jobs)));
  return kExitOk;
}

}  // namespace vecmill::cli
