#include <string>

#include "vecmill/cli/cache_settings.h"
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

Result<WorkOptions> options_of(const Settings& settings) {
  WorkOptions options;
  options.machine = model_options(settings);
  VECMILL_TRY(add_cache(settings, options.machine));
  VECMILL_ASSIGN(options.machine.spend, spend_options(settings));
  options.machine.fallback = fallback_options(settings);
  VECMILL_TRY(add_shared(settings, options.machine));
  options.lease = std::chrono::seconds(settings.seconds("lease"));
  options.retry_delay = std::chrono::seconds(settings.seconds("retry-delay"));
  options.drain = settings.on("drain");
  if (options.lease.count() > 0) return options;
  return make_error(ErrorKind::kInvalidArgument, "a lease lasts a second at least", "--lease");
}

void say_event(const JobEvent& event, bool json) {
  if (json) {
    JsonObject object;
    object.text("event", name(event.end)).count("job", event.job).text("group", event.group);
    object.count("texts", event.texts).count("tokens", event.tokens);
    object.number("seconds", event.seconds);
    say(object.text("cause", event.cause).text("message", event.message).line());
    return;
  }
  std::string line = "job " + std::to_string(event.job) + " (" + event.group +
                     "): " + std::string(name(event.end));
  if (event.texts > 0) line += ", " + with_commas(event.texts) + " texts";
  if (!event.message.empty()) line += ": " + event.message;
  say(line);
}

Status print_report(const Settings& settings, const WorkReport& report) {
  if (settings.on("json")) {
    JsonObject object;
    object.text("schema", "vecmill.worker.v1").count("done", report.done);
    object.count("split", report.split).count("retried", report.retried);
    object.count("dead", report.dead).count("released", report.released);
    object.count("overtaken", report.overtaken).count("texts", report.texts);
    object.count("tokens", report.tokens).count("dead_letters", report.dead_letters);
    return print(object.number("seconds", report.seconds).line());
  }
  std::string line = jobs_of(report.done + report.split) + " done";
  const auto also = [&](std::uint64_t count, const char* what) {
    if (count > 0) line += ", " + with_commas(count) + " " + what;
  };
  also(report.retried, "to be tried again");
  also(report.dead, "given up");
  also(report.released, "given back");
  also(report.overtaken, "that others had taken over");
  VECMILL_TRY(print(line + "; " + with_commas(report.texts) + " texts in " +
                    fixed(report.seconds, 2) + " s"));
  return {};
}

}  // namespace

Result<ExitCode> run_worker(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (!invocation.arguments.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "worker takes no " + invocation.arguments[0], {},
                      "`vecmill jobs submit` gives it work");
  }
  VECMILL_ASSIGN(const WorkOptions options, options_of(settings));
  const Interrupt interrupt;
  VECMILL_ASSIGN(const auto queue, open_queue(settings));
  const bool json = settings.on("json");
  const auto tell = [&](const JobEvent& event) {
    if (!settings.on("quiet")) say_event(event, json);
  };
  VECMILL_ASSIGN(const WorkReport report, queue->work(options, tell, interrupt.stop()));
  VECMILL_TRY(print_report(settings, report));
  if (report.dead_letters > 0 && !json) {
    say(jobs_of(report.dead_letters) + " were given up; `" + dead_command(settings, "ls") +
        "` says why; begin them anew with:\n  " + dead_command(settings, "redrive"));
  }
  if (interrupt.stop().stop_requested()) return interrupt.exit_code();
  return report.dead_letters > 0 ? kExitPartial : kExitOk;
}

}  // namespace vecmill::cli
