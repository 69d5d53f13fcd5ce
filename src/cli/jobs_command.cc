#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/fallback_settings.h"
#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/queue_settings.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/jobs.h"

namespace vecmill::cli {
namespace {

constexpr std::chrono::milliseconds kLook{500};

using Words = std::vector<std::string>;

Error usage(std::string message, std::string hint = {}) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), {}, std::move(hint));
}

JobPriority priority_of(const std::string& word) {
  return word == "low"      ? JobPriority::kLow
         : word == "high"   ? JobPriority::kHigh
         : word == "urgent" ? JobPriority::kUrgent
                            : JobPriority::kNormal;
}

Result<Submission> submission_of(const Settings& settings, Words inputs) {
  if (inputs.empty()) {
    return usage("there is nothing to embed", "name a file, a folder, or - for standard input");
  }
  Submission wanted;
  wanted.job = read_job(settings, std::move(inputs));
  wanted.job.out = settings.text("out");
  if (output_of(wanted.job).empty()) {
    return usage("there is no place for the vectors",
                 "name it with --out: .db or postgres://...?table=T");
  }
  VECMILL_ASSIGN(wanted.job.options.outputs, parse_outputs(settings.text("outputs"), "--outputs"));
  wanted.job.half = settings.text("store") == "f16";
  wanted.job.postgres.create = settings.on("create");
  wanted.job.batch_size = settings.count("batch-size");
  wanted.job.tag_fields = tag_fields(settings);
  wanted.model = model_options(settings);
  VECMILL_ASSIGN(wanted.model.spend, spend_options(settings));
  wanted.model.fallback = fallback_options(settings);
  VECMILL_TRY(add_shared(settings, wanted.model));
  wanted.group = settings.text("group");
  wanted.priority = priority_of(settings.text("priority"));
  wanted.job_texts = settings.count("job-size");
  wanted.attempts = settings.count("attempts");
  wanted.texts_inline = settings.on("inline");
  if (wanted.job_texts == 0 || wanted.attempts == 0) {
    return usage("--job-size and --attempts are at least 1");
  }
  return wanted;
}

Result<ExitCode> submit(const Settings& settings, const Words& inputs) {
  VECMILL_ASSIGN(const Submission wanted, submission_of(settings, inputs));
  VECMILL_ASSIGN(const auto queue, open_queue(settings, true));
  VECMILL_ASSIGN(const Submitted done, queue->submit(wanted));
  if (settings.on("json")) {
    JsonObject object;
    object.text("schema", kJobsSchema).text("group", done.group).count("jobs", done.jobs);
    VECMILL_TRY(print(object.count("texts", done.texts).line()));
    return kExitOk;
  }
  if (!settings.on("quiet")) {
    say(jobs_of(done.jobs) + " with " + with_commas(done.texts) +
        " texts wait for `vecmill worker`");
  }
  VECMILL_TRY(print(done.group));
  return kExitOk;
}

std::string group_json(const GroupStatus& group) {
  JsonObject object;
  object.text("group", group.group).count("waiting", group.waiting);
  object.count("delayed", group.delayed).count("leased", group.leased).count("done", group.done);
  return object.count("dead", group.dead).count("cancelled", group.cancelled).line();
}

Result<ExitCode> list(const Settings& settings) {
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  VECMILL_ASSIGN(const auto groups, queue->groups());
  if (settings.on("json")) {
    VECMILL_TRY(print(json_array(groups, group_json)));
    return kExitOk;
  }
  std::vector<TableLine> lines{
      {"group", "waiting", "delayed", "leased", "done", "dead", "cancelled"}};
  for (const GroupStatus& group : groups) {
    lines.push_back({group.group});
    for (const std::uint64_t count :
         {group.waiting, group.delayed, group.leased, group.done, group.dead, group.cancelled}) {
      lines.back().push_back(with_commas(count));
    }
  }
  VECMILL_TRY(print_table(lines, 1));
  return kExitOk;
}

Result<ExitCode> show(const Settings& settings, const Words& words) {
  VECMILL_ASSIGN(const bool any, print_jobs(settings, selections(words)));
  if (any || words.empty()) return kExitOk;
  return make_error(ErrorKind::kNotFound, "there is no such job or group", words.front(),
                    "`vecmill jobs ls` lists the groups");
}

/// Nothing when a name is of no group.
Result<GroupStatus> status_of(JobQueue& queue, const Words& names) {
  VECMILL_ASSIGN(const auto groups, queue.groups());
  GroupStatus sum;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(groups, name, &GroupStatus::group);
    if (found == groups.end()) {
      return make_error(ErrorKind::kNotFound, "there is no such group", name,
                        "`vecmill jobs ls` lists them");
    }
    sum.waiting += found->open();
    sum.done += found->done;
    sum.dead += found->dead;
    sum.cancelled += found->cancelled;
  }
  return sum;
}

Result<ExitCode> wait(const Settings& settings, const Words& names) {
  const Interrupt interrupt;
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  while (true) {
    VECMILL_ASSIGN(GroupStatus now, status_of(*queue, names));
    if (now.open() == 0) {
      now.group = names.front();
      if (settings.on("json")) VECMILL_TRY(print(group_json(now)));
      if (!settings.on("json")) {
        VECMILL_TRY(print(with_commas(now.done) + " done, " + with_commas(now.dead) + " dead, " +
                          with_commas(now.cancelled) + " cancelled"));
      }
      if (now.dead == 0) return kExitOk;
      say("`" + dead_command(settings, "ls") + "` says why; begin them anew with:\n  " +
          dead_command(settings, "redrive"));
      return kExitPartial;
    }
    never.wait_for(lock, interrupt.stop(), kLook, [] { return false; });
    if (interrupt.stop().stop_requested()) return interrupt.exit_code();
  }
}

}  // namespace

Result<ExitCode> run_jobs(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string what = invocation.arguments.empty() ? "" : invocation.arguments[0];
  const Words words(invocation.arguments.begin() + (what.empty() ? 0 : 1),
                    invocation.arguments.end());
  if (what == "submit") return submit(settings, words);
  if (what == "ls" && words.empty()) return list(settings);
  if (what == "show") return show(settings, words);
  if (what == "purge") {
    return change_jobs(
        settings, selections(words), "purged", [&](JobQueue& queue, const JobSelection& which) {
          return queue.purge(which, std::chrono::seconds(settings.seconds("older-than")));
        });
  }
  constexpr std::string_view kNaming[] = {"wait", "cancel", "retry"};
  if (std::ranges::find(kNaming, what) != std::end(kNaming)) {
    if (words.empty()) {
      return usage("jobs " + what + ": which?", "`vecmill jobs ls` lists the groups");
    }
    if (what == "wait") return wait(settings, words);
    if (what == "cancel") {
      return change_jobs(
          settings, selections(words), "cancelled",
          [](JobQueue& queue, const JobSelection& which) { return queue.cancel(which); });
    }
    return change_jobs(
        settings, selections(words), "redriven",
        [](JobQueue& queue, const JobSelection& which) { return queue.redrive(which); });
  }
  constexpr std::string_view kVerbs[] = {"submit", "ls",    "show", "wait",
                                         "cancel", "retry", "purge"};
  return usage("jobs: submit IN, ls, show, wait, cancel, retry or purge",
               what.empty() ? "" : suggestion(what, kVerbs));
}

}  // namespace vecmill::cli
