#include <string>
#include <vector>

#include "vecmill/cli/cache_settings.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/fallback_settings.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/redis_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/engine.h"

namespace vecmill::cli {
namespace {

/// The index knows its model; what was said by hand comes first.
Result<ModelOptions> options_for(const Settings& settings, const std::string& index) {
  ModelOptions options = model_options(settings);
  VECMILL_ASSIGN(const ModelOptions made_with, model_of_index(index));
  if (settings.is_default("model")) options.model = made_with.model;
  if (settings.is_default("dims")) options.dims = options.remote.strongest.dims = made_with.dims;
  if (settings.is_default("max-seq-length")) options.max_seq_length = made_with.max_seq_length;
  if (settings.is_default("dtype")) options.dtype = made_with.dtype;
  return options;
}

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
  VECMILL_ASSIGN(ModelOptions options, options_for(settings, index));
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  VECMILL_TRY(add_redis(settings, options));
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
