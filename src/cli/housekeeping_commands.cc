#include <algorithm>
#include <string>

#include "vecmill/cli/command.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/shared_settings.h"
#include "vecmill/doctor.h"
#include "vecmill/machine.h"
#include "vecmill/place.h"

namespace vecmill::cli {
namespace {

/// An address without the password that may be in it: what is shown here is copied elsewhere.
std::string without_password(const std::string& value) {
  if (is_postgres_url(value)) return shown_place(value);
  const std::size_t scheme = value.find("://"), at = value.rfind('@');
  if (scheme == std::string::npos || at == std::string::npos || at < scheme) return value;
  return value.substr(0, scheme + 3) + "..." + value.substr(at);
}

}  // namespace

Result<ExitCode> run_doctor(const Invocation& invocation) {
  if (invocation.settings.on("online")) return run_online_doctor(invocation);
  std::vector<MachineFact> facts = examine_machine();
  ModelOptions options = model_options(invocation.settings);
  options.shared = shared_options(invocation.settings);
  examine_shared_state(options, [&](const RemoteFinding& finding) {
    facts.push_back(
        {finding.provider + " " + finding.name, finding.value, !finding.wrong, finding.hint});
  });
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
    if (!fact.hint.empty()) line += "; " + fact.hint;
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
  const auto show = [&](const std::string& key, const std::string& value,
                        const std::string& origin) -> Status {
    if (settings.on("json")) {
      object.raw(key, JsonObject().text("value", value).text("origin", origin).line());
      return {};
    }
    return print(key + " = " + json_text(value) + (settings.on("origin") ? "  # " + origin : ""));
  };
  for (const Flag& flag : all_flags()) {
    if (!flag.setting) continue;
    VECMILL_TRY(show(file_key(flag), without_password(settings.text(flag.name)),
                     settings.origin(flag.name)));
  }
  for (const TomlEntry& row : settings.budgets().rows()) {
    VECMILL_TRY(show(row.key, row.value, row.where));
  }
  for (const ProviderTables::Row& row : settings.table_rows()) {
    VECMILL_TRY(show(row.key, row.value, row.origin));
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
