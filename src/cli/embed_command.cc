#include <cstdio>
#include <stop_token>
#include <string>

#include "vecmill/cli/cache_settings.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/fallback_settings.h"
#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/progress.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/engine.h"
#include "vecmill/place.h"
#include "vecmill/watch.h"

namespace vecmill::cli {
namespace {

constexpr std::size_t kShownIds = 5;

Result<EmbedJob> job_of(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (invocation.arguments.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "there is nothing to embed", {},
                      "name a file, a folder, or - for standard input");
  }
  EmbedJob job = read_job(settings, invocation.arguments);
  job.out = settings.text("out");
  job.postgres.create = job.qdrant.create = settings.on("create");
  job.postgres.hnsw_index = settings.text("create-index") == "hnsw";
  job.out = output_of(job);
  if (job.out.empty() && !settings.on("dry-run")) {
    return make_error(ErrorKind::kInvalidArgument, "there is no place for the vectors", {},
                      "name it with --out: .npy, .jsonl, .db, postgres://...?table=T or "
                      "qdrant://HOST/COLLECTION");
  }
  VECMILL_ASSIGN(job.options.outputs, parse_outputs(settings.text("outputs"), "--outputs"));
  job.half = settings.text("store") == "f16";
  job.resume = settings.on("resume");
  job.batch_size = settings.count("batch-size");
  job.tag_fields = tag_fields(settings);
  return job;
}

/// "1 text" or "3 texts".
std::string texts_of(std::uint64_t count) {
  return with_commas(count) + (count == 1 ? " text" : " texts");
}

std::string cut_texts(std::uint64_t texts, std::uint64_t tokens, const Capabilities& model) {
  return texts_of(texts) + (texts == 1 ? " is" : " are") + " longer than the " +
         std::to_string(model.max_tokens) + " tokens of the model, by " + with_commas(tokens) +
         " tokens in all";
}

Result<ExitCode> count_only(Engine& engine, const EmbedJob& job, bool json,
                            const std::stop_token& stop) {
  VECMILL_ASSIGN(const CountReport report, engine.count(job, stop));
  if (json) {
    JsonObject object;
    object.text("schema", "vecmill.count.v1").count("texts", report.texts);
    object.count("tokens", report.tokens).count("empty", report.empty);
    object.count("truncated_texts", report.truncated_texts);
    object.count("truncated_tokens", report.truncated_tokens);
    VECMILL_TRY(print(object.line()));
    return kExitOk;
  }
  VECMILL_TRY(print(texts_of(report.texts) + ", " + with_commas(report.tokens) + " tokens, " +
                    with_commas(report.empty) + " empty"));
  if (report.truncated_texts > 0) {
    VECMILL_TRY(print(cut_texts(report.truncated_texts, report.truncated_tokens,
                                engine.capabilities(job.options))));
  }
  return kExitOk;
}

std::string report_json(const EmbedReport& report, const std::string& out) {
  JsonObject object;
  object.text("schema", "vecmill.embed.v1").text("out", out).text("model", report.space.model);
  object.text("space", report.space.space).text("arithmetic", report.space.arithmetic);
  object.count("dims", report.space.dims).count("embedded", report.embedded);
  object.count("failed", report.failed).count("skipped", report.skipped);
  object.count("empty", report.empty).count("resumed", report.resumed);
  object.count("tokens", report.tokens).count("truncated_texts", report.truncated_texts);
  object.count("truncated_tokens", report.truncated_tokens);
  object.raw("truncated_ids", json_array(report.truncated_ids, json_text));
  object.number("seconds", report.seconds).number("load_seconds", report.load_seconds);
  object.count("peak_rss_bytes", report.peak_rss_bytes).yes("was_complete", report.was_complete);
  JsonObject cache;
  cache.yes("used", report.cache.used).count("hits", report.cache.hits);
  cache.count("misses", report.cache.misses).count("duplicates", report.cache.duplicates);
  cache.count("failures", report.cache.failures).text("set_aside", report.cache.set_aside);
  object.raw("cache", cache.line());
  object.raw("spend", spend_json(report.spend));
  object.raw("fallback", fallback_json(report.fallback));
  object.raw("shared", shared_json(report.shared));
  object.raw("notes", json_array(report.notes, json_text));
  return object.line();
}

void say_cache(const CacheReport& cache) {
  if (!cache.used) return;
  say("cache: " + with_commas(cache.hits) + " found, " + with_commas(cache.misses) + " made, " +
      with_commas(cache.duplicates) + " of equal texts");
  if (!cache.set_aside.empty()) {
    say("the cache was damaged: it is now " + cache.set_aside + ", and a new one is begun");
  }
  if (cache.failures > 0) {
    say("the cache could not be used " + with_commas(cache.failures) +
        " times, which cost time and nothing else; " + cache.failure);
  }
}

void say_report(const EmbedReport& report, const EmbedJob& job, const Capabilities& model) {
  if (report.was_complete) {
    say(shown_place(job.out) + " is complete already: nothing was done");
    return;
  }
  std::string line = "embedded " + texts_of(report.embedded);
  if (report.resumed > 0) line += " after " + with_commas(report.resumed) + " of an earlier run";
  line += " (" + with_commas(report.tokens) + " tokens) in " + fixed(report.seconds, 2) + " s";
  if (report.seconds > 0) {
    const auto per_second = [&](std::uint64_t count) {
      return with_commas(static_cast<std::uint64_t>(static_cast<double>(count) / report.seconds));
    };
    line +=
        ": " + per_second(report.embedded) + " texts/s, " + per_second(report.tokens) + " tokens/s";
  }
  say(line);
  say_cache(report.cache);
  say_spend(report.spend);
  say_fallback(report.fallback);
  say_shared(report.shared);
  if (report.empty > 0) say(texts_of(report.empty) + " empty or blank");
  if (report.skipped > 0) say(texts_of(report.skipped) + " left out");
  if (report.truncated_texts > 0) {
    std::string ids;
    for (std::size_t i = 0; i < report.truncated_ids.size() && i < kShownIds; ++i) {
      ids += (i > 0 ? ", " : "") + report.truncated_ids[i];
    }
    if (report.truncated_texts > kShownIds) ids += ", ...";
    say(cut_texts(report.truncated_texts, report.truncated_tokens, model) +
        " and were cut: " + ids);
  }
  if (report.failed > 0) {
    const std::string place =
        is_on_server(job.out) ? "" : "; the reasons are listed beside " + job.out;
    say(texts_of(report.failed) + " failed and have no row" + place);
  }
  for (const std::string& note : report.notes) say(note);
}

/// Until it is told to end; a pass that did something is told of as a run is.
Result<ExitCode> keep_watching(Engine& engine, const EmbedJob& job, const Settings& settings,
                               const Interrupt& interrupt) {
  const bool json = settings.on("json"), quiet = settings.on("quiet");
  const WatchOptions options{std::chrono::seconds(settings.seconds("poll"))};
  ProgressLine progress(settings.text("progress"), quiet);
  WatchListeners listeners;
  listeners.progress = [&](const EmbedProgress& now) { progress.show(now); };
  listeners.note = [&](const std::string& sentence) {
    if (!quiet) say(sentence);
  };
  listeners.pass = [&](const EmbedReport& report) -> Status {
    progress.clear();
    if (!quiet && !json) say_report(report, job, engine.capabilities(job.options));
    if (json) VECMILL_TRY(print(report_json(report, shown_place(job.out))));
    std::fflush(stdout);  // somebody waits for it
    return {};
  };
  VECMILL_TRY(watch(engine, job, options, listeners, interrupt.stop()));
  progress.clear();
  return interrupt.exit_code();
}

/// What a run that failed has cost, and how it goes on.
void say_end(const SpendReport& spent, const Error& error, const Invocation& invocation) {
  if (spent.requests > 0) say_spend(spent);
  if (error.kind == ErrorKind::kLimited || error.kind == ErrorKind::kUnavailable) {
    say("what was embedded is kept; go on later with:\n  " + resume_command(invocation.typed));
  }
}

}  // namespace

Result<ExitCode> run_embed(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  VECMILL_ASSIGN(const EmbedJob job, job_of(invocation));
  ModelOptions options = model_options(settings);
  if (!settings.on("dry-run")) VECMILL_TRY(add_cache(settings, options));
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  options.fallback = fallback_options(settings);
  options.fallback.degraded = settings.text("degraded");
  if (!settings.on("dry-run")) VECMILL_TRY(add_shared(settings, options));
  if (!settings.on("dry-run")) {
    VECMILL_ASSIGN(options.dtype, dtype_for(job, options));
  }
  const Interrupt interrupt;
  VECMILL_ASSIGN(const auto engine, Engine::open(options));
  const bool json = settings.on("json"), quiet = settings.on("quiet");
  say_note(*engine, job.options, quiet);
  if (settings.on("dry-run")) {
    auto code = count_only(*engine, job, json, interrupt.stop());
    if (code || code.error().kind != ErrorKind::kCancelled) return code;
    say("interrupted: nothing was counted to the end");
    return interrupt.exit_code();
  }

  if (settings.on("watch")) return keep_watching(*engine, job, settings, interrupt);
  ProgressLine progress(settings.text("progress"), quiet);
  const auto report = engine->run(
      job, [&](const EmbedProgress& now) { progress.show(now); }, interrupt.stop());
  progress.clear();
  if (!report && report.error().kind == ErrorKind::kCancelled) {
    say("interrupted; go on with:\n  " + resume_command(invocation.typed));
    return interrupt.exit_code();
  }
  if (!report) {
    if (!quiet && !json) say_end(engine->spent(), report.error(), invocation);
    return report.error();
  }
  if (!quiet) say_report(*report, job, engine->capabilities(job.options));
  const std::string out = shown_place(job.out);
  VECMILL_TRY(print(json ? report_json(*report, out) : out));
  return report->failed + report->fallback.degraded > 0 ? kExitPartial : kExitOk;
}

}  // namespace vecmill::cli
