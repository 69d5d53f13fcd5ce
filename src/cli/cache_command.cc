#include <unistd.h>

#include <iostream>
#include <string>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/cache_settings.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/fallback_settings.h"
#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/progress.h"
#include "vecmill/cli/quantity.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/engine.h"

namespace vecmill::cli {
namespace {

constexpr const char* kSchema = "vecmill.cache.v1";

std::string rows_of(std::uint64_t count) {
  return with_commas(count) + (count == 1 ? " vector" : " vectors");
}

void say_set_aside(const std::string& where) {
  if (!where.empty()) say("the cache was damaged: it is now " + where + ", and a new one is begun");
}

/// One number as the answer: {"schema":...,"removed":12}, or a line that says it.
Result<ExitCode> answer(const Settings& settings, std::string_view key, std::uint64_t count,
                        const std::string& line) {
  JsonObject object;
  object.text("schema", kSchema).count(key, count);
  VECMILL_TRY(print(settings.on("json")    ? object.line()
                    : settings.on("quiet") ? std::to_string(count)
                                           : line));
  return kExitOk;
}

Result<ExitCode> stats(const Settings& settings) {
  VECMILL_ASSIGN(const CacheStatus status, cache_status(cache_options(settings)));
  say_set_aside(status.set_aside);
  const bool encrypted =
      !settings.text("cache-key-file").empty() || !settings.text("cache-key-env").empty();
  if (settings.on("json")) {
    JsonObject object;
    object.text("schema", kSchema).text("path", status.path).yes("exists", status.exists);
    object.count("rows", status.rows).count("bytes", status.bytes);
    object.count("max_bytes", status.max_bytes).yes("encrypted", status.exists && encrypted);
    object.count("found_30d", status.found).count("missed_30d", status.missed);
    VECMILL_TRY(print(object.line()));
    return kExitOk;
  }
  if (!status.exists) {
    VECMILL_TRY(print("there is no cache yet; it would be " + status.path));
    return kExitOk;
  }
  VECMILL_TRY(print("file      " + status.path + (encrypted ? ", encrypted" : "")));
  VECMILL_TRY(print("vectors   " + with_commas(status.rows)));
  VECMILL_TRY(print("on disk   " + readable_bytes(status.bytes) + " of at most " +
                    readable_bytes(status.max_bytes)));
  if (const std::uint64_t asked = status.found + status.missed; asked > 0) {
    const double rate = 100.0 * static_cast<double>(status.found) / static_cast<double>(asked);
    VECMILL_TRY(print("hit rate  " + fixed(rate, 1) + " % of " + with_commas(asked) +
                      " look-ups in 30 days"));
  }
  return kExitOk;
}

Result<ExitCode> warm(const Invocation& invocation, std::vector<std::string> inputs) {
  const Settings& settings = invocation.settings;
  if (inputs.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "there is nothing to embed", {},
                      "name a file, a folder, or - for standard input");
  }
  EmbedJob job = read_job(settings, std::move(inputs));
  job.batch_size = settings.count("batch-size");
  job.tag_fields = tag_fields(settings);
  ModelOptions options = model_options(settings);
  options.use_cache = CacheMode::kOn;
  options.cache = cache_options(settings);
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  options.fallback = fallback_options(settings);
  VECMILL_TRY(add_shared(settings, options));
  const Interrupt interrupt;
  VECMILL_ASSIGN(const auto engine, Engine::open(options));
  say_note(*engine, job.options, settings.on("quiet"));
  ProgressLine progress(settings.text("progress"), settings.on("quiet"));
  const auto report = engine->warm(
      job, [&](const EmbedProgress& now) { progress.show(now); }, interrupt.stop());
  progress.clear();
  if (!report && report.error().kind == ErrorKind::kCancelled) {
    say("interrupted; what was embedded is kept, and the same command goes on behind it");
    return interrupt.exit_code();
  }
  if (!report && !settings.on("quiet") && !settings.on("json")) {
    const SpendReport spent = engine->spent();
    if (spent.requests > 0) say_spend(spent);
  }
  VECMILL_TRY(report);
  say_set_aside(report->cache.set_aside);
  if (!settings.on("quiet")) {
    say_spend(report->spend);
    say_fallback(report->fallback);
    say_shared(report->shared);
  }
  if (report->failed > 0) say(with_commas(report->failed) + " texts failed and have no vector");
  if (settings.on("json")) {
    JsonObject object;
    object.text("schema", kSchema).text("model", report->space.model);
    object.text("space", report->space.space).count("embedded", report->cache.misses);
    object.count("there_already", report->cache.hits);
    object.count("duplicates", report->cache.duplicates).count("failed", report->failed);
    object.count("tokens", report->tokens).number("seconds", report->seconds);
    VECMILL_TRY(print(object.line()));
  } else {
    VECMILL_TRY(print(rows_of(report->cache.misses) + " embedded, " +
                      with_commas(report->cache.hits) + " there already, " +
                      with_commas(report->cache.duplicates) + " of equal texts"));
  }
  return report->failed > 0 ? kExitPartial : kExitOk;
}

Result<ExitCode> prune(const Settings& settings) {
  const bool by_ttl = settings.is_default("older-than") && !settings.text("cache-ttl").empty();
  std::uint64_t age = settings.seconds(by_ttl ? "cache-ttl" : "older-than");
  if (by_ttl && age == 0) age = parse_age("100000d").value_or(0);  // nothing is too old
  std::optional<std::uint64_t> most;
  if (!settings.is_default("max-size")) most = settings.bytes("max-size");
  VECMILL_ASSIGN(const std::uint64_t removed,
                 prune_cache(cache_options(settings), std::chrono::seconds(age), most));
  return answer(settings, "removed", removed,
                "removed " + rows_of(removed) +
                    (removed > 0 ? "; `vecmill cache compact` gives their space to the disk" : ""));
}

Result<ExitCode> compact(const Settings& settings) {
  VECMILL_ASSIGN(const std::uint64_t freed, compact_cache(cache_options(settings)));
  return answer(settings, "freed_bytes", freed, "freed " + readable_bytes(freed));
}

Result<ExitCode> verify(const Settings& settings) {
  VECMILL_ASSIGN(const CacheCheck check, verify_cache(cache_options(settings)));
  say_set_aside(check.set_aside);
  if (settings.on("json")) {
    JsonObject object;
    object.text("schema", kSchema).count("rows", check.rows).count("dropped", check.dropped);
    VECMILL_TRY(print(object.text("set_aside", check.set_aside).line()));
  } else {
    VECMILL_TRY(print(rows_of(check.rows) + " as they were written, " + with_commas(check.dropped) +
                      " damaged" + (check.dropped > 0 ? " and dropped" : "")));
  }
  return check.dropped == 0 && check.set_aside.empty() ? kExitOk : kExitNegative;
}

Result<ExitCode> move(const Settings& settings, bool out, const std::string& file) {
  const CacheOptions options = cache_options(settings);
  VECMILL_ASSIGN(const std::uint64_t rows,
                 out ? export_cache(options, file) : import_cache(options, file));
  return answer(settings, "rows", rows,
                (out ? "wrote " : "took over ") + rows_of(rows) + (out ? " to " : " from ") + file);
}

Result<ExitCode> clear(const Settings& settings) {
  const CacheOptions options = cache_options(settings);
  VECMILL_ASSIGN(const CacheStatus status, cache_status(options));
  if (!settings.on("yes")) {
    if (isatty(STDIN_FILENO) == 0) {
      return make_error(ErrorKind::kInvalidArgument, "nobody is there to ask", {},
                        "say --yes to forget " + rows_of(status.rows));
    }
    std::cerr << "forget " << rows_of(status.rows) << " in " << status.path << "? [y/N] ";
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") return kExitNegative;
  }
  VECMILL_ASSIGN(const std::uint64_t rows, clear_cache(options));
  return answer(settings, "removed", rows, "forgot " + rows_of(rows));
}

}  // namespace

Result<ExitCode> run_cache(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const auto& words = invocation.arguments;
  const std::string what = words.empty() ? "" : words[0];
  if (what == "warm") return warm(invocation, {words.begin() + 1, words.end()});
  if (words.size() == 1) {
    if (what == "stats") return stats(settings);
    if (what == "prune") return prune(settings);
    if (what == "compact") return compact(settings);
    if (what == "verify") return verify(settings);
    if (what == "clear") return clear(settings);
  }
  if (words.size() == 2 && (what == "export" || what == "import")) {
    return move(settings, what == "export", words[1]);
  }
  constexpr std::string_view kVerbs[] = {"stats",  "warm",   "prune",  "compact",
                                         "verify", "export", "import", "clear"};
  return make_error(ErrorKind::kInvalidArgument,
                    "cache: stats, warm IN, prune, compact, verify, export FILE, import FILE or "
                    "clear",
                    {}, what.empty() ? "" : suggestion(what, kVerbs));
}

}  // namespace vecmill::cli
