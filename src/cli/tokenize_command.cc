#include <string>

#include "vecmill/cli/command.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/engine.h"

namespace vecmill::cli {
namespace {

std::string join_ids(std::span<const TokenId> ids, std::string_view between) {
  std::string out;
  for (const TokenId id : ids) {
    if (!out.empty()) out += between;
    out += std::to_string(id);
  }
  return out;
}

std::string record_json(const Engine& engine, const Record& record, std::span<const TokenId> ids) {
  return JsonObject()
      .text("id", record.id)
      .raw("ids", "[" + join_ids(ids, ",") + "]")
      .raw("tokens", json_array(ids, [&](TokenId id) { return json_text(engine.token_text(id)); }))
      .line();
}

std::string record_text(const Engine& engine, const Record& record, std::span<const TokenId> ids) {
  std::string out = record.id + "\t" + std::to_string(ids.size());
  for (const TokenId id : ids) out += "\t" + std::to_string(id) + " " + engine.token_text(id);
  return out;
}

}  // namespace

Result<ExitCode> run_tokenize(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  std::vector<std::string> inputs = invocation.arguments;
  if (inputs.empty()) inputs.emplace_back("-");
  VECMILL_ASSIGN(const auto engine, Engine::open(model_options(settings)));
  const bool ids_only = settings.on("ids-only"), json = settings.on("json");
  VECMILL_TRY(engine->tokenize(read_job(settings, inputs),
                               [&](const Record& record, std::span<const TokenId> ids) -> Status {
                                 if (ids_only) return print(join_ids(ids, " "));
                                 return print(json ? record_json(*engine, record, ids)
                                                   : record_text(*engine, record, ids));
                               }));
  return kExitOk;
}

}  // namespace vecmill::cli
