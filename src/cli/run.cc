#include "vecmill/cli/run.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "vecmill/cli/command_line.h"
#include "vecmill/cli/help.h"
#include "vecmill/cli/output.h"

namespace vecmill::cli {
namespace {

/// What the libraries below read from the environment themselves.
void pass_on(const Settings& settings) {
  for (const auto& [flag, variable] : {std::pair{"home", "VECMILL_HOME"}, {"isa", "VECMILL_ISA"}}) {
    if (!settings.is_default(flag)) setenv(variable, settings.text(flag).c_str(), 1);
  }
}

Result<Settings> settings_of(const CommandLine& line, const Environment& environment) {
  Layers layers;
  layers.flags = line.flags;
  layers.environment = environment;
  layers.user_file = find_user_file(environment);
  const auto config = line.flags.find("config");
  if (config != line.flags.end()) {
    layers.project_file = config->second;
  } else {
    std::error_code error;
    layers.project_file = find_project_file(std::filesystem::current_path(error));
  }
  return Settings::resolve(layers);
}

Result<ExitCode> run_line(const CommandLine& line, const std::vector<std::string>& words,
                          const Environment& environment) {
  VECMILL_ASSIGN(Settings settings, settings_of(line, environment));
  pass_on(settings);
  return line.command->run({std::move(settings), line.arguments, words});
}

}  // namespace

int run(const std::vector<std::string>& words, const Environment& environment) {
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  const auto fail = [&](const Error& error) {
    print_error(error, json);
    return exit_code(error.kind);
  };
  const auto line = parse_command_line(words);
  if (!line) return fail(line.error());
  if (line->help) {
    const std::string text = line->command ? command_help(*line->command) : program_help();
    // Asked for, help is data; without any command it is an answer to a mistake.
    std::fputs(text.c_str(), words.empty() ? stderr : stdout);
    return words.empty() ? kExitUsage : kExitOk;
  }
  const auto code = run_line(*line, words, environment);
  if (!code) return fail(code.error());
  if (std::fflush(stdout) != 0) {
    return fail(make_error(ErrorKind::kIo, "cannot write to standard output"));
  }
  return *code;
}

}  // namespace vecmill::cli
