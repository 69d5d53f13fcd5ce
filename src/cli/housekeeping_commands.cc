#include <algorithm>
#include <string>

#include "vecmill/cli/command.h"
#include "vecmill/cli/output.h"
#include "vecmill/machine.h"

namespace vecmill::cli {

Result<ExitCode> run_doctor(const Invocation& invocation) {
  const std::vector<MachineFact> facts = examine_machine();
  const bool good = std::ranges::all_of(facts, &MachineFact::good);
  if (invocation.settings.on("json")) {
    const std::string list = json_array(facts, [](const MachineFact& fact) {
      JsonObject object;
      object.text("name", fact.name).text("value", fact.value).yes("good", fact.good);
      return object.text("hint", fact.hint).line();
    });
    VECMILL_TRY(print(JsonObject().yes("good", good).raw("facts", list).line()));
    return good ? kExitOk : kExitNegative;
  }
  for (const MachineFact& fact : facts) {
    std::string line = (fact.good ? "ok    " : "WRONG ") + fact.name;
    line.append(fact.name.size() < 18 ? 18 - fact.name.size() : 1, ' ');
    line += fact.value;
    if (!fact.good && !fact.hint.empty()) line += "; " + fact.hint;
    VECMILL_TRY(print(line));
  }
  return good ? kExitOk : kExitNegative;
}

Result<ExitCode> run_config(const Invocation& invocation) {
  if (invocation.arguments != std::vector<std::string>{"show"}) {
    return make_error(ErrorKind::kInvalidArgument, "config: show is all it can do", {},
                      "try: vecmill config show --origin");
  }
  const Settings& settings = invocation.settings;
  JsonObject object;
  for (const Flag& flag : all_flags()) {
    if (!flag.setting) continue;
    const std::string key = file_key(flag);
    const std::string origin = settings.origin(flag.name);
    if (settings.on("json")) {
      JsonObject value;
      object.raw(key, value.text("value", settings.text(flag.name)).text("origin", origin).line());
      continue;
    }
    std::string line = key + " = " + json_text(settings.text(flag.name));
    if (settings.on("origin")) line += "  # " + origin;
    VECMILL_TRY(print(line));
  }
  if (settings.on("json")) VECMILL_TRY(print(object.line()));
  return kExitOk;
}

Result<ExitCode> run_version(const Invocation& invocation) {
  if (!invocation.settings.on("json")) {
    VECMILL_TRY(print("vecmill " + version()));
    return kExitOk;
  }
  JsonObject object;
  object.text("version", version()).text("compiler", __VERSION__);
  VECMILL_TRY(print(object.line()));
  return kExitOk;
}

}  // namespace vecmill::cli
