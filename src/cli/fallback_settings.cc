#include "vecmill/cli/fallback_settings.h"

#include "vecmill/cli/output.h"
#include "vecmill/cli/words.h"

namespace vecmill::cli {

FallbackOptions fallback_options(const Settings& settings) {
  FallbackOptions options;
  for (const std::string_view name : split_words(settings.text("fallback"), ',')) {
    options.models.emplace_back(name);
  }
  options.same_space = settings.on("same-space");
  options.after = std::chrono::seconds(settings.seconds("fallback-after"));
  options.patience = std::chrono::seconds(settings.seconds("patience"));
  return options;
}

std::string fallback_json(const FallbackReport& report) {
  const auto maker = [](const FallbackReport::Maker& made) {
    return JsonObject().text("model", made.model).count("texts", made.texts).line();
  };
  return JsonObject()
      .raw("makers", json_array(report.makers, maker))
      .count("degraded", report.degraded)
      .raw("notes", json_array(report.notes, json_text))
      .line();
}

void say_fallback(const FallbackReport& report) {
  std::string line;
  std::uint64_t by_others = 0;
  for (std::size_t i = 0; i < report.makers.size(); ++i) {
    if (i > 0) by_others += report.makers[i].texts;
    line += (i > 0 ? ", " : "answered by ") + report.makers[i].model + ": " +
            with_commas(report.makers[i].texts);
  }
  if (by_others > 0) say(line);
  for (const std::string& note : report.notes) say(note);
  if (report.degraded == 0) return;
  say(with_commas(report.degraded) +
      " rows are of another model and marked \"degraded\": when the servers are back, make them "
      "anew with\nthe same command without --degraded and with another --out; what the cache has "
      "is "
      "not asked for again");
}

}  // namespace vecmill::cli
