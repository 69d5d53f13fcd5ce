#include <string>
#include <vector>

#include "vecmill/cli/cache_settings.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/fallback_settings.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/engine.h"

namespace vecmill::cli {
namespace {

QueryMode mode_of(const Settings& settings) {
  const std::string& mode = settings.text("mode");
  return mode == "dense"         ? QueryMode::kDense
         : mode == "sparse"      ? QueryMode::kSparse
         : mode == "multivector" ? QueryMode::kMultivector
         : mode == "hybrid"      ? QueryMode::kHybrid
                                 : QueryMode::kAuto;
}

std::string hits_json(const std::string& model, const std::vector<Hit>& hits) {
  return JsonObject()
      .text("schema", "vecmill.query.v1")
      .text("model", model)
      .raw("hits",
           json_array(hits,
                      [](const Hit& hit) {
                        return JsonObject().text("id", hit.id).number("score", hit.score).line();
                      }))
      .line();
}

}  // namespace

Result<ExitCode> run_query(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (invocation.arguments.size() != 1) {
    return make_error(
        ErrorKind::kInvalidArgument,
        invocation.arguments.empty() ? "there is no question" : "there are several questions", {},
        "give one text, in quotes");
  }
  const std::string& index = settings.text("index");
  if (index.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "there is no index to ask", {},
                      "name an output of embed with --index");
  }
  VECMILL_ASSIGN(const ModelOptions made_with, model_of_index(index));
  ModelOptions options = model_options(settings, made_with);
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  VECMILL_TRY(add_shared(settings, options));
  VECMILL_TRY(add_cache(settings, options));
  options.fallback = fallback_options(settings);
  VECMILL_ASSIGN(const auto engine, Engine::open(options));
  say_note(*engine, {.role = Role::kQuery}, settings.on("quiet"));
  VECMILL_ASSIGN(
      const std::vector<Hit> hits,
      engine->query(invocation.arguments[0], index, settings.count("top"), mode_of(settings)));
  VECMILL_ASSIGN(const std::uint64_t degraded, degraded_rows(index));
  if (degraded > 0 && !settings.on("quiet")) {
    say(with_commas(degraded) + " rows are of another model (degraded) and were left out");
  }
  if (settings.on("json")) {
    VECMILL_TRY(print(hits_json(options.model, hits)));
    return kExitOk;
  }
  std::size_t rank = 0;
  for (const Hit& hit : hits) {
    const std::string line =
        settings.on("quiet") ? hit.id
                             : std::to_string(++rank) + "\t" + fixed(hit.score, 4) + "\t" + hit.id;
    VECMILL_TRY(print(line));
  }
  return kExitOk;
}

}  // namespace vecmill::cli
