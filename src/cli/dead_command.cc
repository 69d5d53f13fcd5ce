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

using Words = std::vector<std::string>;

Status print_causes(const Settings& settings) {
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  VECMILL_ASSIGN(const auto causes, queue->dead());
  if (settings.on("json")) {
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

Result<ExitCode> list(const Settings& settings, const Words& words) {
  const std::string& by = settings.text("by");
  const bool by_cause = words.empty() && settings.text("cause").empty() &&
                        (settings.is_default("by") || by == "cause");
  if (!settings.is_default("by") && by != "cause" && by != "job") {
    return make_error(ErrorKind::kInvalidArgument, "\"" + by + "\" is neither cause nor job",
                      "--by");
  }
  if (by_cause) {
    VECMILL_TRY(print_causes(settings));
  } else {
    VECMILL_TRY(print_jobs(settings, selections(words, settings.text("cause")), true));
  }
  return kExitOk;
}

Result<ExitCode> redrive(const Settings& settings, const Words& words) {
  RedriveEdit edit;
  if (settings.by_hand("truncate")) edit.truncate = embed_options(settings).truncate;
  return change_jobs(
      settings, selections(words, settings.text("cause")), "redriven",
      [&](JobQueue& queue, const JobSelection& which) { return queue.redrive(which, edit); });
}

Result<ExitCode> purge(const Settings& settings, const Words& words) {
  if (words.empty() && settings.text("cause").empty() && !settings.on("yes")) {
    return make_error(ErrorKind::kInvalidArgument, "all dead letters would be forgotten", {},
                      "name jobs, a group or a --cause, or say --yes");
  }
  const std::uint64_t age = settings.is_default("older-than") ? 0 : settings.seconds("older-than");
  return change_jobs(settings, selections(words, settings.text("cause")), "purged",
                     [&](JobQueue& queue, const JobSelection& which) {
                       return queue.purge(which, std::chrono::seconds(age), true);
                     });
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
