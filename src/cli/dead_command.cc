#include <chrono>
#include <string>
#include <vector>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/queue_settings.h"
#include "vecmill/jobs.h"

namespace vecmill::cli {
namespace {

constexpr std::size_t kPage = 1000;

using Words = std::vector<std::string>;

Status list_causes(JobQueue& queue, bool json) {
  VECMILL_ASSIGN(const auto causes, queue.dead());
  if (json) {
    return print(json_array(causes, [](const DeadCause& cause) {
      JsonObject object;
      object.text("cause", cause.cause).count("jobs", cause.jobs);
      return object.text("first", time_text(cause.first))
          .text("last", time_text(cause.last))
          .line();
    }));
  }
  std::vector<TableLine> lines{{"cause", "first (UTC)", "last (UTC)", "jobs"}};
  for (const DeadCause& cause : causes) {
    lines.push_back(
        {cause.cause, time_text(cause.first), time_text(cause.last), with_commas(cause.jobs)});
  }
  return print_table(lines, 3);
}

Status list_jobs(JobQueue& queue, const Settings& settings, const Words& words) {
  for (const JobSelection& which : selections(words, settings.text("cause"))) {
    for (std::uint64_t after = 0;;) {
      VECMILL_ASSIGN(const auto jobs, queue.jobs(which, after, kPage, true));
      if (jobs.empty()) break;
      after = jobs.back().id;
      VECMILL_TRY(print_jobs(jobs, settings.on("json")));
    }
  }
  return {};
}

Result<ExitCode> list(const Settings& settings, const Words& words) {
  const std::string& by = settings.text("by");
  const bool by_cause = words.empty() && settings.text("cause").empty() &&
                        (settings.is_default("by") || by == "cause");
  if (!settings.is_default("by") && by != "cause" && by != "job") {
    return make_error(ErrorKind::kInvalidArgument, "\"" + by + "\" is neither cause nor job",
                      "--by");
  }
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  VECMILL_TRY(by_cause ? list_causes(*queue, settings.on("json"))
                       : list_jobs(*queue, settings, words));
  return kExitOk;
}

Result<ExitCode> redrive(const Settings& settings, const Words& words) {
  RedriveEdit edit;
  if (settings.by_hand("truncate")) edit.truncate = embed_options(settings).truncate;
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  std::uint64_t jobs = 0;
  for (const JobSelection& which : selections(words, settings.text("cause"))) {
    VECMILL_ASSIGN(const std::uint64_t changed, queue->redrive(which, edit));
    jobs += changed;
  }
  VECMILL_TRY(print_count(settings, "redriven", jobs));
  return kExitOk;
}

Result<ExitCode> purge(const Settings& settings, const Words& words) {
  if (words.empty() && settings.text("cause").empty() && !settings.on("yes")) {
    return make_error(ErrorKind::kInvalidArgument, "all dead letters would be forgotten", {},
                      "name jobs, a group or a --cause, or say --yes");
  }
  const std::uint64_t age = settings.is_default("older-than") ? 0 : settings.seconds("older-than");
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  std::uint64_t jobs = 0;
  for (const JobSelection& which : selections(words, settings.text("cause"))) {
    VECMILL_ASSIGN(const std::uint64_t forgotten,
                   queue->purge(which, std::chrono::seconds(age), true));
    jobs += forgotten;
  }
  VECMILL_TRY(print_count(settings, "purged", jobs));
  return kExitOk;
}

}  // namespace

Result<ExitCode> run_dead(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string what = invocation.arguments.empty() ? "" : invocation.arguments[0];
  const Words words(invocation.arguments.begin() + (what.empty() ? 0 : 1),
                    invocation.arguments.end());
  if (what == "ls") return list(settings, words);
  if (what == "redrive") return redrive(settings, words);
  if (what == "purge") return purge(settings, words);
  constexpr std::string_view kVerbs[] = {"ls", "redrive", "purge"};
  return make_error(ErrorKind::kInvalidArgument, "dead: ls, redrive or purge", {},
                    what.empty() ? "" : suggestion(what, kVerbs));
}

}  // namespace vecmill::cli
