#include <algorithm>
#include <string>
#include <vector>

#include "vecmill/cli/command.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/cli/spend_settings.h"
#include "vecmill/doctor.h"

namespace vecmill::cli {
namespace {

/// Those to look at: the one that was asked for, or else all that the settings name. A provider
/// without a model is "mycorp:".
std::vector<std::string> models_of(const Settings& settings) {
  const auto& tables = settings.tables().providers();
  const std::string& model = settings.text("model");
  if (settings.by_hand("model")) return {model};
  const std::string provider = model.substr(0, model.find(':'));
  const auto apis = remote_apis();
  const bool remote =
      provider.size() < model.size() &&
      (tables.contains(provider) || std::ranges::find(apis, provider) != apis.end());
  std::vector<std::string> models;
  if (remote) models.push_back(model);
  for (const auto& [name, table] : tables) {
    if (!remote || name != provider) models.push_back(name + ":");
  }
  return models;
}

std::string finding_json(const RemoteFinding& finding) {
  JsonObject object;
  object.text("provider", finding.provider).text("name", finding.name).text("value", finding.value);
  object.yes("good", !finding.wrong).text("hint", finding.hint);
  return object.line();
}

std::string finding_line(const RemoteFinding& finding) {
  std::string line = (finding.wrong ? "WRONG " : "ok    ") + finding.provider + " " + finding.name;
  line += ": " + finding.value;
  if (!finding.hint.empty()) line += "; " + finding.hint;
  return line;
}

}  // namespace

Result<ExitCode> run_online_doctor(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::vector<std::string> models = models_of(settings);
  ModelOptions options = model_options(settings);
  options.shared = shared_options(settings);
  if (models.empty() && options.shared.server.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "no model behind an API is named", "--online",
                      "name one: --model voyage:voyage-code-3");
  }
  VECMILL_ASSIGN(options.spend, spend_options(settings));
  std::vector<RemoteFinding> findings;
  Status told;
  ExitCode code = kExitOk;
  const auto tell = [&](const RemoteFinding& finding) {
    if (finding.wrong && code == kExitOk) code = exit_code(*finding.wrong);
    findings.push_back(finding);
    if (told && !settings.on("json")) told = print(finding_line(finding));
  };
  if (!models.empty()) options.model = models.front();  // it is one that shares limits
  examine_shared_state(options, tell);
  VECMILL_TRY(told);
  for (const std::string& model : models) {
    options.model = model;
    VECMILL_TRY(examine_remote(options, tell));
    VECMILL_TRY(told);
  }
  if (settings.on("json")) {
    JsonObject object;
    object.yes("good", code == kExitOk).raw("findings", json_array(findings, finding_json));
    VECMILL_TRY(print(object.line()));
  }
  return code;
}

}  // namespace vecmill::cli
