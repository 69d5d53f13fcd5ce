#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vecmill/cli/cache_settings.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/fallback_settings.h"
#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/progress.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/reconcile.h"

namespace vecmill::cli {
namespace {

Result<ReconcileJob> job_of(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  std::vector<std::string> inputs = invocation.arguments;
  if (inputs.size() < 2) {
    return make_error(ErrorKind::kInvalidArgument, "there are no two sides to compare", {},
                      "name what was embedded, then what came of it");
  }
  ReconcileJob job;
  const std::string sink = std::move(inputs.back());
  inputs.pop_back();
  job.embed = read_job(settings, std::move(inputs));
  job.embed.out = sink;
  job.embed.batch_size = settings.count("batch-size");
  job.embed.tag_fields = tag_fields(settings);
  job.mend = settings.on("mend");
  job.remove_orphans = settings.on("remove-orphans");
  job.remove_anything = settings.on("yes");
  return job;
}

/// The model that made what is there.
Result<std::unique_ptr<Engine>> open_engine(const Settings& settings,
                                            const Reconciliation& reconciliation) {
  const auto made_with = reconciliation.model();
  if (!made_with && settings.is_default("model")) {
    return make_error(ErrorKind::kInvalidArgument,
                      "there is no record of the model that made the vectors", "--mend",
                      "name it with --model");
  }
  ModelOptions options = made_with ? model_options(settings, *made_with) : model_options(settings);
  VECMILL_TRY(add_cache(settings, options));
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  options.fallback = fallback_options(settings);
  VECMILL_TRY(add_shared(settings, options));
  return Engine::open(options);
}

std::string report_json(const ReconcileReport& report, const ReconcileJob& job) {
  const auto known = [](bool is_known, std::uint64_t count) {
    return is_known ? std::to_string(count) : std::string("null");
  };
  JsonObject object;
  object.text("schema", "vecmill.reconcile.v1");
  object.raw("source", json_array(job.embed.inputs, [](const std::string& input) {
               return json_text(shown_place(input));
             }));
  object.text("sink", shown_place(job.embed.out)).count("rows", report.rows);
  object.count("fine", report.fine).count("lost", report.lost);
  object.raw("stale", known(report.knows_stale, report.stale));
  object.raw("orphaned", known(report.knows_orphaned, report.orphaned));
  object.count("failed", report.failed).count("skipped", report.skipped);
  object.count("mended", report.mended).count("failed_now", report.failed_now);
  object.count("removed", report.removed);
  const EmbedReport embedded = report.embedded.value_or(EmbedReport());
  object.count("tokens", embedded.tokens).raw("spend", spend_json(embedded.spend));
  object.raw("notes", json_array(report.notes, json_text));
  return object.line();
}

std::vector<TableLine> report_lines(const ReconcileReport& report) {
  const auto known = [](bool is_known, std::uint64_t count) {
    return is_known ? with_commas(count) : std::string("not known");
  };
  std::vector<TableLine> lines = {
      {"fine", with_commas(report.fine)},
      {"lost", with_commas(report.lost)},
      {"stale", known(report.knows_stale, report.stale)},
      {"orphaned", known(report.knows_orphaned, report.orphaned)},
      {"failed", with_commas(report.failed)},
  };
  const auto add = [&](const char* what, std::uint64_t count) {
    if (count > 0) lines.push_back({what, with_commas(count)});
  };
  add("skipped", report.skipped);
  add("mended", report.mended);
  add("failed now", report.failed_now);
  add("removed", report.removed);
  return lines;
}

void say_report(const ReconcileReport& report) {
  if (!report.knows_stale) {
    say("the sink does not say which texts its rows are of: those of changed texts count as fine");
  }
  if (!report.knows_orphaned) say("orphans were not looked for: the source is a part of a table");
  if (report.embedded) {
    say_spend(report.embedded->spend);
    say_fallback(report.embedded->fallback);
    say_shared(report.embedded->shared);
  }
  for (const std::string& note : report.notes) say(note);
}

/// With --list standard output is for the lines alone.
Status show(const ReconcileReport& report, const ReconcileJob& job, const Settings& settings) {
  if (!settings.on("quiet")) say_report(report);
  if (settings.on("json")) return print(report_json(report, job));
  if (!settings.on("list")) return print_table(report_lines(report), 1);
  if (settings.on("quiet")) return {};
  for (const TableLine& line : report_lines(report)) say(line[0] + " " + line[1]);
  return {};
}

Status print_finding(RowState state, const std::string& id, bool json) {
  if (!json) return print(std::string(name(state)) + "\t" + id);
  return print(JsonObject().text("row", name(state)).text("id", id).line());
}

ExitCode exit_code_of(const ReconcileReport& report) {
  const std::uint64_t tried = report.mended + report.failed_now;
  if (report.lost + report.stale > tried || report.orphaned > report.removed) return kExitNegative;
  return report.failed + report.failed_now > 0 ? kExitPartial : kExitOk;
}

}  // namespace

Result<ExitCode> run_reconcile(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  VECMILL_ASSIGN(const ReconcileJob job, job_of(invocation));
  const Interrupt interrupt;
  VECMILL_ASSIGN(Reconciliation reconciliation, Reconciliation::open(job));
  std::unique_ptr<Engine> engine;
  if (job.mend) {
    VECMILL_ASSIGN(engine, open_engine(settings, reconciliation));
  }
  ProgressLine progress(settings.text("progress"), settings.on("quiet"));
  ReconcileListeners listeners;
  listeners.progress = [&](std::uint64_t rows) {
    progress.show(with_commas(rows) + " rows compared");
  };
  if (settings.on("list")) {
    listeners.finding = [json = settings.on("json")](RowState state, const std::string& id) {
      return print_finding(state, id, json);
    };
  }
  const auto report = reconciliation.run(engine.get(), listeners, interrupt.stop());
  progress.clear();
  if (!report && report.error().kind == ErrorKind::kCancelled) {
    say("interrupted: the same command goes on");
    return interrupt.exit_code();
  }
  if (!report) {
    if (engine && !settings.on("quiet") && !settings.on("json")) say_spend(engine->spent());
    return report.error();
  }
  VECMILL_TRY(show(*report, job, settings));
  return exit_code_of(*report);
}

}  // namespace vecmill::cli
